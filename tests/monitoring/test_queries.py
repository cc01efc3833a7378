"""Queries of one's own, asked of a real Prometheus that is healthy, over the limit, killed and started again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core import clock
from core.actors import command
from health.asking import ask, ask_due
from health.models import Decision, QueryGuardrail, QueryReading, QueryWatch, StoredVerdict
from health.reading_transitions import want_readings
from rollouts.domain.lifecycle import Status
from rollouts.lane_guarding import watch_lanes
from rollouts.models import Rollout
from rollouts.transitions import resume_rollout
from tests.factories.flags import make_environment
from tests.factories.queries import make_query
from tests.factories.sources import make_source
from tests.factories.world import DAY, NOW, WHY, make_rehearsal, make_world, play, reload
from tests.monitoring.canned import Canned, listen_and_say, serve
from tests.monitoring.exporter import Exporter
from tests.monitoring.prometheus import PrometheusServer, Target
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db
ONE = '{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[0,"1"]}]}}'


def _look(rollout: Rollout, query: QueryGuardrail) -> str:
    """Judge, ask now whenever it would be due, judge again; return what the last verdict's code is."""
    watch_lanes([reload(rollout)], now=clock.now())
    QueryWatch.objects.update(next_ask_at=clock.now())
    ask_due()
    watch_lanes([reload(rollout)], now=clock.now())
    newest = StoredVerdict.objects.filter(lane=query.lane).first()
    return newest.code if newest else ""


def test_query__of_a_real_prometheus__holds_over_the_limit_and_says_nothing_while_it_is_away(tmp_path: Path) -> None:
    world = make_world()
    rollout = make_rehearsal(world)
    play(world, rollout, start=NOW, seconds=DAY, healthy=False)
    with Exporter() as exporter, PrometheusServer(tmp_path, scrape=[Target(exporter.address)]) as server:
        exporter.counters["queue_length"] = 3
        source = make_source(world.environment, url=server.url, now=clock.now())
        query = make_query(world.environment, source=source, lasting_seconds=2, cool_down_minutes=0)
        wait_until(lambda: _look(rollout, query) == "query_within")
        assert not Decision.objects.exists()

        exporter.counters["queue_length"] = 30
        wait_until(lambda: _look(rollout, query) == "query_limit")

        assert reload(rollout).status == Status.HELD
        decision = Decision.objects.get()
        assert (decision.act, decision.data["value"]) == ("held", 30.0)
        exporter.counters["queue_length"] = 3
        resume_rollout(rollout_id=rollout.pk, actor=command("ops"), reason=WHY, now=clock.now())
        wait_until(lambda: _look(rollout, query) == "query_within")

        server.kill()
        assert _look(rollout, query) == "query_unreachable"
        server.start()
        # What it scraped before it was killed is still given for a while.
        wait_until(lambda: QueryReading.objects.filter(value=3.0).count() and _look(rollout, query) == "query_was_away")
        exporter.counters["queue_length"] = 30
        wait_until(lambda: _look(rollout, query) == "query_was_away" and ask(query, flag_key="").value == 30.0)

        for _ in range(3):
            assert _look(rollout, query) == "query_was_away"
        assert reload(rollout).status == Status.RUNNING
        assert Decision.objects.count() == 1


def test_query__is_asked_for_its_sources_now_and_nothing_scraped_long_ago() -> None:
    environment = make_environment()
    with serve(Canned(ONE)) as canned:
        query = make_query(environment, source=make_source(environment, url=canned.url, now=clock.now()))
        assert ask(query, flag_key="").value == 1.0

    assert canned.asked == [{"query": ["sum(queue_length)"], "lookback_delta": ["150s"]}]


@pytest.mark.parametrize(
    ("query", "value", "code"),
    [
        ("vector(7)", 7.0, ""),
        ("7", 7.0, ""),
        ("vector(0) / 0", None, "not_a_number"),
        ("vector(1) / 0", None, "not_a_number"),
        ('label_replace(vector(1), "a", "b", "", "") or vector(1)', None, "many_series"),
        ("nothing_like_it", None, "no_data"),
        ("sum(", None, "refused"),
        ("up[5m]", None, "refused"),
        ('label_replace(vector(1), "f", {flag}, "", "") == 1', 1.0, ""),
    ],
)
def test_query__in_prometheus_own_words__is_one_number_or_a_code(
    prometheus: PrometheusServer, query: str, value: float | None, code: str
) -> None:
    environment = make_environment()
    source = make_source(environment, url=prometheus.url, now=clock.now())

    reading = ask(make_query(environment, source=source, query=query), flag_key='a"b\\')

    assert (reading.value, reading.code) == (value, code)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    with PrometheusServer(tmp_path_factory.mktemp("prometheus")) as server:
        yield server


def test_query__one_that_never_answers__holds_up_no_other() -> None:
    environment = make_environment()
    with listen_and_say(b"") as deaf, serve(Canned(ONE)) as canned:
        silent = make_query(
            environment, source=make_source(environment, url=deaf, timeout_seconds=1, now=clock.now()), name="deaf"
        )
        sound = make_query(environment, source=make_source(environment, url=canned.url, now=clock.now()))
        want_readings([(silent.pk, ""), (sound.pk, "")], now=clock.now())
        assert ask_due() == 2

    said = {one.watch.guardrail_id: (one.value, one.code) for one in QueryReading.objects.select_related("watch")}
    assert said == {silent.pk: (None, "timed_out"), sound.pk: (1.0, "")}
    assert not QueryWatch.objects.exclude(leased_until=None).exists()
