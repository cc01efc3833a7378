"""Sums and quantiles of stretches of time: found in the database as they are in Python."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from flags.models import Environment, Flag, Site
from health.chart_queries import By, Counted, Where, Window, count_windows, time_windows
from health.domain.histogram import find_quantile
from health.models import Baseline, UsualLatency
from health.rollup_queries import pool_latency, read_latency
from health.rollup_transitions import roll_up_counts, roll_up_latency
from health.sample_transitions import record_samples
from tests.factories.core import NOW
from tests.factories.flags import make_environment, make_flag, make_site
from tests.factories.health import make_value

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
BEFORE = Window("before", NOW - 30 * MINUTE, NOW - 10 * MINUTE)
AFTER = Window("after", NOW - 10 * MINUTE, NOW + MINUTE)


class Fleet:
    """Two sites, a flag, an environment; what is reported is rolled up."""

    def __init__(self) -> None:
        self.environment: Environment = make_environment()
        self.sites: list[Site] = [make_site(key=key) for key in ("brest", "lyon")]
        self.flag: Flag = make_flag(key="buttons")
        self.where = Where(self.environment.key)

    def report(self, site: str, *, minutes: int = 0, **given: Any) -> None:
        now = NOW - minutes * MINUTE
        value = make_value(site=site, now=now, **given)
        record_samples(source="token:1", environment_id=self.environment.pk, values=[value], now=now)
        roll_up_counts()
        roll_up_latency()


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


def test_count__stretches__have_what_began_in_them_and_none_twice(
    fleet: Fleet, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    fleet.report("brest", minutes=20, errors=1)
    fleet.report("lyon", minutes=10, errors=2, critical_errors=1)
    fleet.report("lyon", flag="buttons", errors=3)

    with django_assert_num_queries(3):
        every, by_site, by_flag = (
            count_windows(fleet.where._replace(by=by, flag_keys=["buttons"]), [BEFORE, AFTER]) for by in By
        )

    assert every == [Counted("after", "", 10, 2, 1), Counted("before", "", 10, 1, 0)]
    assert by_site == [Counted("after", "lyon", 10, 2, 1), Counted("before", "brest", 10, 1, 0)]
    assert by_flag == [Counted("after", "buttons", 10, 3, 0)]
    assert count_windows(fleet.where._replace(site_keys=["brest"]), [AFTER]) == []


@pytest.mark.parametrize("by_hour", [False, True])
@pytest.mark.parametrize("counts", [[4, 4, 2], [0, 0, 1], [19, 1, 0], [0, 20, 0], [7, 0, 3]])
def test_time__of_a_stretch__is_what_the_histogram_says(fleet: Fleet, counts: list[int], by_hour: bool) -> None:
    for site, minutes in (("brest", 2), ("lyon", 1)):
        fleet.report(
            site,
            minutes=minutes,
            transaction="pay",
            requests=sum(counts),
            latency_ms={"bounds": [100, 200], "counts": counts},
        )
    window = Window("one", NOW - timedelta(hours=1), NOW + timedelta(hours=1))
    rows = read_latency(
        environment_key=fleet.environment.key, flag_keys=[], since=window.since, until=window.until, by_hour=by_hour
    )
    expected = find_quantile(pool_latency(rows)[None, "pay"], 0.95)

    found = time_windows(fleet.where, [window], subject="rollout:1", by_hour=by_hour)

    assert [(one.transaction, one.requests, one.compared, one.usual_ms) for one in found] == [
        ("pay", 2 * sum(counts), 0, None)
    ]
    assert found[0].p95_ms == pytest.approx(expected)


def test_time__usual_at_one_site_and_at_all__is_weighed_by_requests(fleet: Fleet) -> None:
    baseline = Baseline.objects.create(
        subject="rollout:1",
        environment=fleet.environment,
        frozen_at=NOW,
        first_on=NOW.date(),
        last_on=NOW.date(),
        requests=1,
        errors=0,
        complaints_a_day=0,
    )
    for site, p95_ms in ((fleet.sites[0], 300), (None, 100)):
        for hour in range(24):
            UsualLatency.objects.create(
                baseline=baseline,
                site=site,
                transaction="pay",
                weekday=NOW.weekday(),
                hour=hour,
                p95_ms=p95_ms,
                requests=5_000,
            )
    for key in ("brest", "lyon"):
        fleet.report(key, transaction="pay", latency_ms={"bounds": [100, 200], "counts": [4, 4, 2]})
    fleet.report("lyon", transaction="count", latency_ms={"bounds": [100, 200], "counts": [4, 4, 2]})

    found = {one.transaction: one for one in time_windows(fleet.where, [AFTER], subject="rollout:1", by_hour=False)}

    assert (found["pay"].compared, found["pay"].usual_ms) == (20, 200.0)
    assert (found["count"].compared, found["count"].usual_ms) == (0, None)
    assert time_windows(fleet.where, [AFTER], subject="rollout:2", by_hour=False)[0].usual_ms is None
