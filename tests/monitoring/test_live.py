"""Pulls of a real Prometheus that scrapes, is killed, starts again; of an exporter that stops and begins anew."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Max, Sum

from core import clock
from health.domain import pulling as windows
from health.models import PrometheusPull, PrometheusSource, Sample
from health.pulling import pull_due
from notifications.models import Event
from tests.factories.flags import make_environment, make_site
from tests.factories.sources import make_source
from tests.monitoring.canned import listen_and_say
from tests.monitoring.exporter import Exporter
from tests.monitoring.prometheus import PrometheusServer, Target
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db

SALES = 'sale_duration_seconds_count{{status="{status}"}}'


@pytest.fixture(autouse=True)
def _short_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is scraped each second needs no minute to be whole."""
    monkeypatch.setattr(windows, "LONGEST_WINDOW_SECONDS", 3)
    monkeypatch.setattr(windows, "SETTLE", timedelta(seconds=1.2))


class Shop:
    """A site whose exporter is scraped each second, and the source that is pulled."""

    def __init__(self, exporter: Exporter, url: str, site_key: str) -> None:
        self.exporter = exporter
        self.source = make_source(make_environment(), url=url, now=clock.now())
        self.site_key = site_key

    def sell(self, count: int, *, status: int = 200) -> None:
        series = SALES.format(status=status)
        self.exporter.counters[series] = self.exporter.counters.get(series, 0) + count

    def pull(self) -> PrometheusPull:
        """Pull now, whenever it would be due."""
        PrometheusPull.objects.update(next_pull_at=clock.now())
        pull_due()
        return PrometheusPull.objects.get(source=self.source)

    @property
    def counted(self) -> tuple[int, int]:
        sums = Sample.objects.filter(site__key=self.site_key).aggregate(Sum("requests"), Sum("errors"))
        return sums["requests__sum"] or 0, sums["errors__sum"] or 0

    def wait_for(self, requests: int, errors: int) -> None:
        """Pull until so much is counted: never more on the way."""

        def is_there() -> bool:
            self.pull()
            assert self.counted[0] <= requests, self.counted
            return self.counted == (requests, errors)

        wait_until(is_there)


def open_shop(folder: Path, exporter: Exporter) -> tuple[Shop, PrometheusServer]:
    site = make_site()
    server = PrometheusServer(folder, scrape=[Target(exporter.address, {"site": site.key})])
    return Shop(exporter, server.url, site.key), server


def wait_for_scrape(shop: Shop) -> None:
    """Return once what the exporter says now was scraped: counting has somewhere to begin."""
    wait_until(lambda: shop.pull().last_data_at)
    seen = clock.now()
    wait_until(lambda: (shop.pull().last_data_at or seen) > seen)


def test_pull__everything_that_may_happen_in_a_life__counts_each_sale_once(tmp_path: Path) -> None:
    with Exporter() as exporter:
        shop, server = open_shop(tmp_path, exporter)
        with server:
            shop.sell(1_000)
            wait_for_scrape(shop)
            shop.sell(7)
            shop.sell(2, status=500)
            shop.wait_for(9, 2)

            # Again and again the same windows, as after a crash that forgot how far it was.
            for _ in range(2):
                PrometheusPull.objects.update(
                    pulled_until=Sample.objects.aggregate(Max("ends_at"))["ends_at__max"] - timedelta(seconds=20)
                )
                shop.pull()
            assert shop.counted[0] <= 9

            # The exporter is killed and begins at zero.
            exporter.stop()
            exporter.start()
            shop.sell(4)
            shop.wait_for(13, 2)

            # Prometheus is killed; sales go on meanwhile, and are scraped when it is back.
            server.kill()
            shop.sell(5)
            wait_until(lambda: shop.pull().fault == "unreachable")
            assert shop.counted == (13, 2)
            server.start()
            shop.wait_for(18, 2)
            assert PrometheusPull.objects.get(source=shop.source).fault == ""


def test_pull__exporter_that_stops__is_no_data_and_people_are_told_once_and_again_when_it_is_back(
    tmp_path: Path,
) -> None:
    with Exporter() as exporter:
        shop, server = open_shop(tmp_path, exporter)
        with server:
            shop.sell(1)
            wait_for_scrape(shop)
            shop.sell(3)
            shop.wait_for(3, 0)
            exporter.stop()
            # Four minutes later, as far as the portal knows.
            earlier = datetime.now(UTC) - timedelta(minutes=4)
            wait_until(lambda: _is_stale(shop))
            before = Sample.objects.count()
            PrometheusPull.objects.update(last_data_at=earlier)

            _ask_for(shop.source, requests_query="sale_gone_count")
            wait_until(lambda: shop.pull().silent_since)
            for _ in range(3):
                shop.pull()

            assert Sample.objects.count() == before
            assert [event.kind for event in Event.objects.all()] == ["source_silent"]
            exporter.start()
            shop.sell(5)
            _ask_for(shop.source, requests_query="sale_duration_seconds_count")
            wait_until(lambda: shop.pull().silent_since is None)
            assert [event.kind for event in Event.objects.order_by("pk")] == ["source_silent", "source_back"]


def test_pull__one_source_that_never_answers__holds_up_no_other(tmp_path: Path) -> None:
    with Exporter() as exporter, listen_and_say(b"") as deaf:
        shop, server = open_shop(tmp_path, exporter)
        silent = make_source(shop.source.environment, url=deaf, timeout_seconds=1, now=clock.now())
        with server:
            shop.sell(1)
            wait_for_scrape(shop)
            shop.sell(3)
            shop.wait_for(3, 0)

    pull = PrometheusPull.objects.get(source=silent)
    assert (pull.fault, pull.last_data_at, pull.pulled_until) == ("timed_out", None, None)


def _is_stale(shop: Shop) -> bool:
    """Tell whether the last scrape is two seconds ago: the exporter is noticed to be gone."""
    pull = shop.pull()
    return pull.last_data_at is not None and clock.now() - pull.last_data_at > timedelta(seconds=2)


def _ask_for(source: PrometheusSource, **given: Any) -> None:
    PrometheusSource.objects.filter(pk=source.pk).update(**given)
