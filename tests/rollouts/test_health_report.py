"""The report before and after: what is known beside the baseline, and what is not known is said."""

import json
from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import clock
from core.actors import SCHEDULER
from flags.domain.purposes import Purpose
from rollouts.domain.validation import Verdict, compare_complaints, compare_error_rate, compare_p95
from rollouts.health_report import compose_report
from rollouts.models import Rollout, Trigger
from rollouts.transitions import roll_back
from tests.factories.flags import make_site
from tests.factories.health import make_complaint
from tests.factories.world import DAY, NOW, WHY, World, make_rehearsal, make_world, play, reload
from tests.rollouts.test_health_charts import MINUTE, freeze, send
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def rollout(world: World) -> Rollout:
    rollout = make_rehearsal(world)
    play(world, rollout, start=NOW, seconds=3 * DAY, healthy=False)
    return reload(rollout)


@pytest.mark.parametrize(
    ("requests", "errors", "baseline", "verdict", "change"),
    [
        (0, 0, 50, Verdict.NO_DATA, None),
        (99, 50, 50, Verdict.TOO_LITTLE, 5_001),
        (1_000, 50, 50, Verdict.WITHIN, 450),
        (1_000, 51, None, Verdict.OVER, None),
    ],
)
def test_error_rate__beside_the_usual__is_judged_by_its_limit(
    requests: int, errors: int, baseline: int | None, verdict: Verdict, change: int | None
) -> None:
    found = compare_error_rate(baseline_bp=baseline, requests=requests, errors=errors, limit_bp=500)

    assert (found.verdict, found.change_bp) == (verdict, change)
    assert (found.measured_bp is None) == (requests == 0)


@pytest.mark.parametrize(
    ("usual", "compared", "p95", "verdict", "change"),
    [
        (None, 0, 900.0, Verdict.NO_BASELINE, None),
        (400.0, 99, 900.0, Verdict.TOO_LITTLE, 12_500),
        (400.0, 500, 480.0, Verdict.WITHIN, 2_000),
        (400.0, 500, 481.0, Verdict.OVER, 2_025),
        (400.0, 500, 300.0, Verdict.WITHIN, -2_500),
    ],
)
def test_p95__beside_the_usual__may_rise_by_a_fifth(
    usual: float | None, compared: int, p95: float, verdict: Verdict, change: int | None
) -> None:
    found = compare_p95(
        transaction="pay", requests=1_000, compared=compared, usual_ms=usual, p95_ms=p95, limit_bp=2_000
    )

    assert (found.verdict, found.change_bp) == (verdict, change)


def test_complaints__one_day_over_the_limit__is_over_though_the_mean_is_not() -> None:
    daily = {date(2026, 11, 24): 11, date(2026, 11, 25): 1}

    found = compare_complaints(daily, days=4, baseline_per_day=1.5, limit=10)
    never = compare_complaints({}, days=0, baseline_per_day=None, limit=10)

    assert (found.verdict, found.measured_per_day, found.worst_on) == (Verdict.OVER, 3.0, date(2026, 11, 24))
    assert found.change_per_day == 1.5
    assert (never.verdict, never.measured_per_day, never.change_per_day) == (Verdict.NO_DATA, None, None)


def test_report__a_phase_with_figures__has_them_beside_the_baseline(world: World, rollout: Rollout) -> None:
    freeze(world, rollout, p95_ms=150)
    for minute in range(1, 13):
        send(world, at=NOW + minute * MINUTE, errors=1)
        send(world, at=NOW + minute * MINUTE, flag=world.flags[0])
    make_complaint(world.environment, site=world.sites[0], now=NOW + MINUTE)

    report = compose_report(rollout, now=NOW + 20 * MINUTE)

    whole = report.release
    assert (whole.figures.requests, whole.figures.errors) == (120, 12)
    assert whole.figures.error_rate.baseline_bp == 50
    assert (whole.figures.error_rate.measured_bp, whole.figures.error_rate.verdict) == (1_000, Verdict.OVER)
    assert [(one.transaction, one.baseline_ms, one.verdict) for one in whole.figures.p95] == [
        ("pay", 150.0, Verdict.OVER)
    ]
    assert [(one.key, one.requests, one.error_rate.measured_bp) for one in whole.by_flag if one.requests] == [
        ("buttons", 120, 0)
    ]
    assert (whole.complaints.total, whole.complaints.baseline_per_day) == (1, 1.5)
    assert [one.key for one in report.by_site] == ["lyon"]
    assert sum(part.figures.requests for part in report.phases) == 120


def test_report__nothing_reported_and_no_baseline__says_not_known_and_never_0(world: World, rollout: Rollout) -> None:
    report = compose_report(rollout, now=NOW + 20 * MINUTE)

    rate = report.release.figures.error_rate
    assert (report.baseline, rate.measured_bp, rate.verdict) == (None, None, Verdict.NO_DATA)
    assert report.release.figures.p95 == []
    assert {part.since for part in report.phases if part.status == "pending"} == {None}
    assert all(part.complaints.verdict is Verdict.NO_DATA for part in report.phases if part.since is None)


def test_report__something_taken_back__says_what_and_by_whom(world: World, rollout: Rollout) -> None:
    roll_back(
        rollout_id=rollout.pk, flag_ids=None, trigger=Trigger.MANUAL, actor=SCHEDULER, reason=WHY, now=NOW + 15 * MINUTE
    )

    acts = compose_report(reload(rollout), now=NOW + 20 * MINUTE).release.acts

    assert [(one.act, one.trigger) for one in acts if one.act == "rolled_back"] == [("rolled_back", "manual")]


def test_json__of_page_and_api__are_the_same() -> None:
    world = make_world(now=clock.now() - 10 * MINUTE)
    rollout = make_rehearsal(world, now=clock.now() - 5 * MINUTE)
    play(world, rollout, start=clock.now() - 5 * MINUTE, seconds=DAY, healthy=False)
    send(world, at=clock.now() - MINUTE)
    raw = world.tokens[Purpose.MANAGE][1]

    page = json.loads(sign_in().get(f"/rollouts/{rollout.pk}/report.json").content)
    api = Client().get(f"/api/v1/rollouts/{rollout.pk}/health-report", headers={"Authorization": f"Bearer {raw}"})

    said = api.json()
    for one in (page, said):
        one.pop("made_at")
        for part in (one["release"], *one["phases"]):
            part.pop("until")
    assert page == said
    assert page["limits"] == {"error_rate_bp": 500, "p95_rise_bp": 2_000, "complaints_per_day": 10}
    assert page["release"]["figures"]["requests"] == 10


def test_page__twenty_sites__takes_as_many_queries_as_two() -> None:
    world = make_world(now=clock.now() - 10 * MINUTE)
    rollout = make_rehearsal(world, now=clock.now() - 5 * MINUTE)
    play(world, rollout, start=clock.now() - 5 * MINUTE, seconds=DAY, healthy=False)
    client = sign_in()
    for site in world.sites[:2]:
        send(world, at=clock.now() - MINUTE, site=site.key)

    def count() -> int:
        client.get(f"/rollouts/{rollout.pk}/report/")
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"/rollouts/{rollout.pk}/report/").status_code == 200
        return len(queries)

    few = count()
    for _ in range(18):
        send(world, at=clock.now() - MINUTE, site=make_site().key)

    assert count() == few
