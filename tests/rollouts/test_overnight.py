"""A gate before the shops open: the pass until closing counts, silence of a working day does not."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.actors import SCHEDULER
from flags.transitions import NewMember
from health.domain.verdict import Judgement, Verdict
from health.models import StoredVerdict
from rollouts.domain.lifecycle import Status
from rollouts.domain.overnight import LEAST, NO_DATA, Spell, carry_passes
from rollouts.domain.templates import PhaseKind
from rollouts.drawing import PlanRequest
from rollouts.guarding import watch_rollout
from rollouts.lane_guarding import watch_lanes
from rollouts.models import Rollout, StepStatus
from rollouts.queries import find_next_step
from rollouts.transitions import plan_rollout, run_next_step, schedule_rollout
from tests.factories.queries import make_query, say
from tests.factories.world import NOW, WHY, World, make_world, reload, report

BY: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY}
PARIS = ZoneInfo("Europe/Paris")
STEP = datetime(2026, 11, 26, 8, tzinfo=UTC)
MORNING = datetime(2026, 11, 27, 5, tzinfo=UTC)
YESTERDAY = datetime(2026, 11, 25, 23, tzinfo=UTC)
SILENT = Judgement(
    verdict=Verdict.INCONCLUSIVE,
    lane="critical",
    flag_key="buttons",
    n=0,
    k=0,
    window_start=MORNING - timedelta(minutes=10),
    window_end=MORNING,
    threshold="",
    code="no_data",
    data={},
)


def _spell(**changed: Any) -> Spell:
    return replace(Spell("critical", "buttons", STEP + timedelta(hours=9), STEP), **changed)


@pytest.mark.parametrize("code", sorted(NO_DATA))
def test_carry__a_pass_until_closing__counts(code: str) -> None:
    (carried,) = carry_passes([replace(SILENT, code=code)], [_spell()], since=YESTERDAY)
    assert (carried.verdict, carried.code) == (Verdict.PASS, "passed_until_closing")


@pytest.mark.parametrize(
    ("judgement", "spell"),
    [
        (replace(SILENT, code="some_critical_errors"), _spell()),
        (replace(SILENT, code="too_few_requests", k=1), _spell()),
        (replace(SILENT, verdict=Verdict.BREACH, code="critical_errors"), _spell()),
        (SILENT, _spell(flag_key="tickets")),
        (SILENT, _spell(lane="error_rate")),
        (SILENT, _spell(ended_at=YESTERDAY - timedelta(seconds=1), widened_at=YESTERDAY - timedelta(days=3))),
        (SILENT, _spell(ended_at=STEP + LEAST - timedelta(seconds=1))),
    ],
    ids=[
        "errors",
        "an error",
        "breach",
        "other flag",
        "other lane",
        "died before the last open day",
        "before the step",
    ],
)
def test_carry__anything_else__stays(judgement: Judgement, spell: Spell) -> None:
    assert carry_passes([judgement], [spell], since=YESTERDAY) == [judgement]


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def rollout(world: World) -> Rollout:
    request = PlanRequest(
        release_id=world.release.pk,
        environment_id=world.environment.pk,
        testers_id=world.testers.pk,
        pilots=tuple(NewMember(f"cashier-{n}") for n in range(3)),
        site_ids=tuple(site.pk for site in world.sites),
        start_on=date(2026, 11, 25),
    )
    planned = plan_rollout(request=request, now=NOW, **BY)
    return schedule_rollout(rollout_id=planned.pk, now=NOW, **BY)


def _play_internal(rollout: Rollout) -> datetime:
    """Do every step of the internal phase at its hour; return the last moment."""
    while (step := find_next_step(rollout)) is not None and step.phase.kind == PhaseKind.INTERNAL:
        run_next_step(rollout_id=rollout.pk, now=step.due_at)
        last = step.due_at
    return last


def _watch(rollout: Rollout, now: datetime) -> None:
    rollout.refresh_from_db()
    watch_rollout(rollout, now=now)
    watch_lanes([reload(rollout)], now=now)


def _sell(world: World, rollout: Rollout, *, start: datetime, minutes: int) -> None:
    """Let two tills sell without an error for a while, watched as they do; then watch them close."""
    for minute in range(minutes):
        now = start + timedelta(minutes=minute)
        for flag in world.flags:
            for till in ("till-1", "till-2"):
                report(world, flag=flag, now=now, till=till)
        if minute % 5 == 4:
            _watch(rollout, now + timedelta(seconds=1))
    for late in (20, 40):
        _watch(rollout, start + timedelta(minutes=minutes + late))


@pytest.mark.django_db
def test_gate__the_morning_after_a_healthy_day__lets_the_pilot_begin(world: World, rollout: Rollout) -> None:
    last = _play_internal(rollout)
    _sell(world, rollout, start=last + timedelta(minutes=5), minutes=40)

    step = find_next_step(rollout)
    assert step is not None
    assert step.due_at.astimezone(PARIS).hour == 6
    run_next_step(rollout_id=rollout.pk, now=step.due_at)

    step.refresh_from_db()
    rollout.refresh_from_db()
    assert (rollout.status, step.status) == (Status.RUNNING, StepStatus.DONE)


@pytest.mark.django_db
def test_gate__nothing_reported_behind_the_last_step__holds(world: World, rollout: Rollout) -> None:
    first = find_next_step(rollout)
    assert first is not None
    run_next_step(rollout_id=rollout.pk, now=first.due_at)
    _sell(world, rollout, start=first.due_at + timedelta(minutes=5), minutes=40)
    _play_internal(rollout)

    step = find_next_step(rollout)
    assert step is not None
    run_next_step(rollout_id=rollout.pk, now=step.due_at)

    rollout.refresh_from_db()
    assert (rollout.status, rollout.held_code) == (Status.HELD, "gate")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("at_night", "status"),
    [("no_data", Status.RUNNING), ("not_a_number", Status.RUNNING), ("unreachable", Status.HELD)],
)
def test_gate__a_query_that_passed_until_closing__counts_unless_nobody_answers(
    world: World, rollout: Rollout, at_night: str, status: Status
) -> None:
    last = _play_internal(rollout)
    _sell(world, rollout, start=last + timedelta(minutes=5), minutes=40)
    query = make_query(world.environment, lasting_seconds=15, now=last)
    closing = last + timedelta(minutes=90)
    say(query, 1, 1, until=closing)
    _watch(rollout, closing + timedelta(seconds=1))
    say(query, at_night, until=closing + timedelta(minutes=10))
    _watch(rollout, closing + timedelta(minutes=10, seconds=1))
    step = find_next_step(rollout)
    assert step is not None
    say(query, at_night, until=step.due_at)

    run_next_step(rollout_id=rollout.pk, now=step.due_at)

    rollout.refresh_from_db()
    assert rollout.status == status
    verdicts = StoredVerdict.objects.filter(lane=query.lane).order_by("pk")
    assert list(verdicts.values_list("code", flat=True)) == ["query_within", f"query_{at_night}"]
