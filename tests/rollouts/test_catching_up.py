"""What is late keeps its days and hours, later: after a pause, a hold or an outage no phase shrinks."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.actors import SCHEDULER
from flags.models import FlagState
from flags.transitions import NewMember
from health.transitions import log_complaint
from rollouts.domain.lifecycle import Status
from rollouts.domain.templates import PhaseKind
from rollouts.drawing import PlanRequest
from rollouts.guarding import watch_rollout
from rollouts.models import Rollout, StepStatus, Trigger
from rollouts.queries import find_next_step
from rollouts.transitions import (
    pause_rollout,
    plan_rollout,
    resume_rollout,
    roll_back,
    run_next_step,
    schedule_rollout,
)
from tests.factories.world import DAY, NOW, WHY, World, make_world, play, report

pytestmark = pytest.mark.django_db

BY: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY}
PARIS = ZoneInfo("Europe/Paris")


def _plan(world: World, **chosen: Any) -> Rollout:
    request = PlanRequest(
        release_id=world.release.pk,
        environment_id=world.environment.pk,
        testers_id=world.testers.pk,
        pilots=tuple(NewMember(f"cashier-{n}") for n in range(3)),
        site_ids=tuple(site.pk for site in world.sites),
        **chosen,
    )
    return plan_rollout(request=request, now=NOW, **BY)


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def rollout(world: World) -> Rollout:
    """Scheduled on real days from Wed 25 November 2026."""
    planned = _plan(world, start_on=date(2026, 11, 25))
    return schedule_rollout(rollout_id=planned.pk, now=NOW, **BY)


def _run(rollout: Rollout, now: datetime) -> None:
    """Do what is due; a gate that does not hold is waived."""
    for _round in range(20):
        while run_next_step(rollout_id=rollout.pk, now=now) is not None:
            pass
        rollout.refresh_from_db()
        if rollout.status != Status.HELD:
            return
        resume_rollout(rollout_id=rollout.pk, waive_gate=True, now=now, **BY)


def _play_to(rollout: Rollout, kind: PhaseKind) -> datetime:
    """Let the plan go on, each step at its hour, until a phase has done its first moment."""
    while True:
        step = find_next_step(rollout)
        assert step is not None
        _run(rollout, step.due_at)
        if rollout.steps.filter(phase__kind=kind, status=StepStatus.DONE).exists():
            return step.due_at


def _moments(rollout: Rollout) -> dict[str, list[datetime]]:
    """Return each phase's moments at which something is due or was done, in order."""
    found: dict[str, list[datetime]] = {}
    for step in rollout.steps.select_related("phase").order_by("position"):
        at = (step.done_at or step.due_at).astimezone(PARIS)
        if at not in found.setdefault(step.phase.kind, []):
            found[step.phase.kind].append(at)
    return found


@pytest.mark.parametrize("kind", [PhaseKind.INTERNAL, PhaseKind.PILOT, PhaseKind.PER_SITE])
def test_resume__weeks_after_a_pause_in_each_phase__keeps_slots_days_and_order(
    rollout: Rollout, kind: PhaseKind
) -> None:
    planned = _moments(rollout)
    at = _play_to(rollout, kind)
    pause_rollout(rollout_id=rollout.pk, now=at + timedelta(minutes=1), **BY)
    back = at + timedelta(days=20, hours=2)
    resume_rollout(rollout_id=rollout.pk, now=back, **BY)

    _run(rollout, back)
    for _step in range(40):
        step = find_next_step(rollout)
        if step is None:
            break
        _run(rollout, step.due_at)

    moments = _moments(rollout)
    for name, before in planned.items():
        after = moments[name]
        assert len(after) == len(before), name
        if name != kind:
            assert len({one.date() for one in after}) == len({one.date() for one in before}), name
            assert [one.time() for one in after] == [one.time() for one in before], name
    order = [moment for name in planned for moment in moments[name]]
    assert order == sorted(order)
    assert rollout.events.filter(kind="plan_moved").exists()


def test_outage__over_the_days_of_internal__puts_no_two_slots_together(rollout: Rollout) -> None:
    back = datetime(2026, 12, 3, 10, 0, tzinfo=PARIS)

    _run(rollout, back)
    assert not rollout.steps.filter(status=StepStatus.DONE).exists()

    step = find_next_step(rollout)
    assert step is not None
    assert step.due_at.astimezone(PARIS) == datetime(2026, 12, 4, 9, 0, tzinfo=PARIS)


def test_soak__after_a_late_phase__counts_from_its_new_days(rollout: Rollout, world: World) -> None:
    at = _play_to(rollout, PhaseKind.INTERNAL)
    before = rollout.phases.get(kind=PhaseKind.INTERNAL).ends_at
    _run(rollout, at + timedelta(days=7))

    assert rollout.phases.get(kind=PhaseKind.INTERNAL).ends_at >= before + timedelta(days=6)


def test_late_by_hours__of_the_same_day__is_done_at_once(rollout: Rollout) -> None:
    step = find_next_step(rollout)
    assert step is not None
    _run(rollout, step.due_at + timedelta(hours=1))
    step.refresh_from_db()
    assert step.status == StepStatus.DONE


def test_rehearsal__scheduled_long_after_it_was_planned__begins_then(world: World) -> None:
    rollout = _plan(world, day_seconds=DAY)
    later = NOW + timedelta(seconds=DAY * 3)
    gaps = list(rollout.steps.order_by("position").values_list("due_at", flat=True))

    schedule_rollout(rollout_id=rollout.pk, now=later, **BY)

    shifted = list(rollout.steps.order_by("position").values_list("due_at", flat=True))
    assert [one - other for one, other in zip(shifted, gaps, strict=True)] == [timedelta(seconds=DAY * 3)] * len(gaps)
    rollout.refresh_from_db()
    assert rollout.start_at == later
    assert run_next_step(rollout_id=rollout.pk, now=later) is None


def _everyone(world: World) -> tuple[Rollout, datetime]:
    """Return a rehearsal in the moment in which everyone has it."""
    rollout = _plan(world, day_seconds=DAY)
    schedule_rollout(rollout_id=rollout.pk, now=NOW, **BY)
    now = NOW
    for _chunk in range(60):
        if find_next_step(rollout) is None:
            break
        now = play(world, rollout, start=now, seconds=20)
        now += timedelta(seconds=1)
    rollout.refresh_from_db()
    return rollout, now


def test_full__everyone_has_it__is_watched_and_taken_back_until_its_days_have_passed(world: World) -> None:
    rollout, now = _everyone(world)
    assert rollout.status == Status.RUNNING

    for till in ("till-1", "till-2"):
        report(world, flag=world.flags[0], now=now, till=till, critical=3)
    watch_rollout(rollout, now=now + timedelta(seconds=1))

    state = FlagState.objects.get(flag=world.flags[0], environment=world.environment)
    assert state.is_killed
    roll_back(rollout_id=rollout.pk, flag_ids=None, trigger=Trigger.MANUAL, now=now, **BY)


def test_full__its_days_have_passed__is_completed(world: World) -> None:
    rollout, now = _everyone(world)
    ends_at = rollout.phases.get(kind=PhaseKind.FULL).ends_at
    assert ends_at > now

    run_next_step(rollout_id=rollout.pk, now=ends_at - timedelta(microseconds=1))
    rollout.refresh_from_db()
    assert rollout.status == Status.RUNNING
    run_next_step(rollout_id=rollout.pk, now=ends_at)
    rollout.refresh_from_db()
    assert (rollout.status, rollout.ended_at) == (Status.COMPLETED, ends_at)


def test_complaints__while_paused__are_told_once_and_hold_nothing(world: World) -> None:
    rollout = _plan(world, day_seconds=DAY)
    schedule_rollout(rollout_id=rollout.pk, now=NOW, **BY)
    now = play(world, rollout, start=NOW, seconds=DAY)
    pause_rollout(rollout_id=rollout.pk, now=now, **BY)
    for number in range(11):
        log_complaint(
            environment_id=world.environment.pk,
            site_id=world.sites[0].pk,
            flag_id=world.flags[0].pk,
            text=f"Wrong price {number}",
            severity="annoying",
            reporter=f"cashier {number}",
            actor=SCHEDULER,
            now=now,
        )

    for _look in range(2):
        rollout.refresh_from_db()
        watch_rollout(rollout, now=now + timedelta(seconds=1))

    rollout.refresh_from_db()
    assert rollout.status == Status.PAUSED
    assert rollout.events.filter(kind="complaint_limit_reached").count() == 1
