"""Charts of a rollout: one axis, gaps where nothing is known, as many queries for twenty sites as for two."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import clock
from core.actors import SCHEDULER
from flags.models import Flag
from health.domain.guardrail import Act
from health.models import Baseline, Decision, UsualLatency
from health.rollup_transitions import roll_up_counts, roll_up_latency
from health.sample_transitions import record_samples
from rollouts.chart_marks import Happening, place_marks
from rollouts.health_charts import MOST_SMALL, Asked, Range, compose_health_page
from rollouts.models import Rollout, Trigger
from rollouts.plots import Figure, Plot
from rollouts.transitions import roll_back
from tests.factories.flags import make_site
from tests.factories.health import make_complaint, make_value
from tests.factories.world import DAY, NOW, WHY, World, make_rehearsal, make_world, play, reload
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def send(world: World, *, at: Any, site: str = "lyon", flag: Flag | None = None, **given: Any) -> None:
    """Store half a minute of ten sales at a site, whose p95 lies near 200 ms, and roll it up."""
    given = {"transaction": "pay", "latency_ms": {"bounds": [100, 200], "counts": [4, 6, 0]}} | given
    value = make_value(site=site, now=at, flag=flag.key if flag else None, **given)
    record_samples(source="token:1", environment_id=world.environment.pk, values=[value], now=at)
    roll_up_counts()
    roll_up_latency()


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def rollout(world: World) -> Rollout:
    rollout = make_rehearsal(world)
    play(world, rollout, start=NOW, seconds=3 * DAY, healthy=False)
    return reload(rollout)


def _find(plots: Sequence[Plot], figure: Figure) -> Plot:
    return next(one for one in plots if one.figure is figure)


def test_errors__an_hour_with_a_silence__is_drawn_with_a_gap(world: World, rollout: Rollout) -> None:
    now = NOW + 10 * MINUTE
    for minute in (1, 2, 3, 6, 7, 9):
        send(world, at=NOW + minute * MINUTE, errors=1 if minute == 2 else 0)

    plot = _find(compose_health_page(rollout, Asked(), now=now).plots, Figure.ERRORS)

    assert [len(run.split()) for run in plot.line.runs] == [3, 2]
    assert len(plot.line.dots) == 1
    assert plot.number_over == len(plot.over) == 1
    assert {row.value for row in plot.rows} == {None, 0.0, 10.0}
    assert plot.limit == 5.0


def test_p95__with_a_baseline__has_it_beside_and_says_where_it_is_worse(world: World, rollout: Rollout) -> None:
    freeze(world, rollout, p95_ms=120)
    now = NOW + 10 * MINUTE
    send(world, at=NOW + MINUTE)
    send(world, at=NOW + 5 * MINUTE, transaction="count")

    plots = [one for one in compose_health_page(rollout, Asked(), now=now).plots if one.figure is Figure.P95]

    assert [(one.transaction, [row.usual for row in one.known], one.number_over) for one in plots] == [
        ("count", [None], 0),
        ("pay", [120.0], 1),
    ]
    assert all(190 < one.highest < 200 for one in plots if one.highest)


def freeze(world: World, rollout: Rollout, *, p95_ms: float) -> None:
    baseline = Baseline.objects.create(
        subject=f"rollout:{rollout.pk}",
        environment=world.environment,
        frozen_at=NOW,
        first_on=NOW.date() - timedelta(days=28),
        last_on=NOW.date(),
        requests=100_000,
        errors=500,
        complaints_a_day=1.5,
    )
    for hour in range(24):
        UsualLatency.objects.create(
            baseline=baseline,
            transaction="pay",
            weekday=NOW.weekday(),
            hour=hour,
            p95_ms=p95_ms,
            requests=9_000,
        )


def test_complaints__by_day__are_bars_that_say_when_there_are_too_many(world: World, rollout: Rollout) -> None:
    now = NOW + timedelta(hours=2)
    for number in range(11):
        make_complaint(world.environment, site=world.sites[0], reporter=f"r{number}", now=NOW + MINUTE)
    make_complaint(world.environment, site=world.sites[0], now=NOW - timedelta(days=2))

    page = compose_health_page(rollout, Asked(range=Range.WEEK, figure=Figure.COMPLAINTS), now=now)

    plot = _find(page.plots, Figure.COMPLAINTS)
    assert [row.value for row in plot.rows] == [0, 0, 0, 0, 0, 1, 0, 11]
    assert (len(plot.bars), plot.number_over) == (8, 1)
    assert [(one.key, one.total) for one in page.by_site] == [("lyon", 12)]


def test_small_charts__by_site_and_flag__are_of_those_who_reported(world: World, rollout: Rollout) -> None:
    send(world, at=NOW + MINUTE)
    send(world, at=NOW + MINUTE, site="lille", errors=4)
    send(world, at=NOW + MINUTE, flag=world.flags[1], errors=2)
    now = NOW + 10 * MINUTE

    page = compose_health_page(rollout, Asked(), now=now)
    only = compose_health_page(rollout, Asked(site_key="lille"), now=now)
    one_flag = compose_health_page(rollout, Asked(flag_key="tickets", figure=Figure.P95), now=now)

    assert [(one.key, one.highest) for one in page.by_site] == [("lyon", 0.0), ("lille", 40.0)]
    assert [(one.key, one.highest) for one in page.by_flag] == [("tickets", 20.0)]
    assert (_find(only.plots, Figure.ERRORS).highest, only.by_flag) == (40.0, [])
    assert _find(one_flag.plots, Figure.ERRORS).highest == 20.0
    assert [one.key for one in one_flag.by_flag] == ["tickets"]


def test_marks__steps_holds_and_what_guardrails_said__stand_on_the_axis(world: World, rollout: Rollout) -> None:
    now = NOW + 20 * MINUTE
    Decision.objects.create(
        subject=f"rollout:{rollout.pk}",
        epoch=1,
        lane="error_rate",
        environment_key=world.environment.key,
        flag_key="buttons",
        at=NOW + 10 * MINUTE,
        mode="observe",
        act=Act.OBSERVED,
        verdict="breach",
        code="error_rate",
        n=100,
        k=20,
        window_start=NOW,
        window_end=NOW + 10 * MINUTE,
        threshold="5 %",
    )
    roll_back(
        rollout_id=rollout.pk, flag_ids=None, trigger=Trigger.MANUAL, actor=SCHEDULER, reason=WHY, now=NOW + 15 * MINUTE
    )

    axis = compose_health_page(reload(rollout), Asked(), now=now).axis

    assert [mark.sign for mark in axis.marks] == ["on", "on", "held", "said", "back"]
    assert [mark.x for mark in axis.marks] == sorted(mark.x for mark in axis.marks)
    assert [band.number for band in axis.bands] == list(range(1, len(axis.bands) + 1))
    assert sum(one.steps for one in axis.happenings) == rollout.steps.filter(status="done").count()


def test_marks__many_close_together__are_one(world: World, rollout: Rollout) -> None:
    span = compose_health_page(rollout, Asked(range=Range.HOUR), now=NOW).axis.span
    happenings = [Happening(span.since + n * timedelta(seconds=30), "on") for n in range(120)]

    marks = place_marks(happenings, span)

    assert sum(mark.number for mark in marks) == 120
    assert len(marks) <= 100 / 2.5 + 1


def _count(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


@pytest.mark.parametrize("figure", list(Figure))
def test_page__twenty_sites__take_as_many_queries_as_two(figure: Figure) -> None:
    world = make_world(now=clock.now() - 10 * MINUTE)
    rollout = make_rehearsal(world, now=clock.now() - 5 * MINUTE)
    play(world, rollout, start=clock.now() - 5 * MINUTE, seconds=DAY, healthy=False)
    client, path = sign_in(), f"/rollouts/{rollout.pk}/health/?figure={figure}"
    for site in world.sites[:2]:
        send(world, at=clock.now(), site=site.key)
    few = _count(client, path)

    for _ in range(18):
        site = make_site()
        send(world, at=clock.now(), site=site.key)
        make_complaint(world.environment, site=site, now=clock.now())

    assert _count(client, path) == few
    assert few < 30


def test_page__more_sites_than_charts__says_how_many_are_left_out() -> None:
    world = make_world(now=clock.now() - 10 * MINUTE)
    rollout = make_rehearsal(world, now=clock.now() - 5 * MINUTE)
    play(world, rollout, start=clock.now() - 5 * MINUTE, seconds=DAY, healthy=False)
    for _ in range(MOST_SMALL + 3):
        send(world, at=clock.now(), site=make_site().key)

    page = compose_health_page(reload(rollout), Asked(), now=clock.now() + MINUTE)

    assert (len(page.by_site), page.left_out) == (MOST_SMALL, 3)


@pytest.mark.parametrize(
    "query", ["", "?range=7d", "?range=24h", "?range=1h&figure=p95", "?range=x&figure=x&site=x&flag=nobody"]
)
def test_page__whatever_the_address_asks__is_shown(query: str) -> None:
    world = make_world(now=clock.now() - 10 * MINUTE)
    rollout = make_rehearsal(world, now=clock.now() - 5 * MINUTE)

    answer = sign_in().get(f"/rollouts/{rollout.pk}/health/{query}")

    assert answer.status_code == 200
    assert "style=" not in answer.content.decode()
