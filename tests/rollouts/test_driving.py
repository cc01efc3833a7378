"""People drive: what each action does from each state, what it records, and two at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from core.actors import SCHEDULER
from core.domain.lifecycle import can_move
from core.errors import InvalidInput, Refusal
from core.history import recorded
from flags.models import FlagState, Rule
from flags.transitions import NewMember
from rollouts.domain.lifecycle import EDGES, Status
from rollouts.drawing import PlanRequest
from rollouts.models import Rollout, Trigger
from rollouts.transitions import (
    acknowledge_flag,
    cancel_rollout,
    pause_rollout,
    plan_rollout,
    redraft_rollout,
    resume_rollout,
    roll_back,
    run_next_step,
    schedule_rollout,
)
from tests.factories.world import DAY, NOW, WHY, World, make_rehearsal, make_world, play

BY: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY}
PARIS = ZoneInfo("Europe/Paris")

ACTIONS: dict[str, tuple[Callable[..., Rollout], Status]] = {
    "schedule": (schedule_rollout, Status.SCHEDULED),
    "pause": (pause_rollout, Status.PAUSED),
    "resume": (resume_rollout, Status.RUNNING),
    "cancel": (cancel_rollout, Status.CANCELLED),
    "redraft": (redraft_rollout, Status.DRAFT),
}
#: The one edge that is not a person's: a scheduled rollout begins by its plan.
NOT_TAKEN = {("resume", Status.SCHEDULED)}


def _draft(world: World, *, start_on: date | None = None) -> Rollout:
    request = PlanRequest(
        release_id=world.release.pk,
        environment_id=world.environment.pk,
        testers_id=world.testers.pk,
        pilots=tuple(NewMember(f"cashier-{n}") for n in range(3)),
        site_ids=tuple(site.pk for site in world.sites),
        day_seconds=None if start_on else DAY,
        start_on=start_on,
    )
    return plan_rollout(request=request, now=NOW, **BY)


def _reach(world: World, status: Status) -> tuple[Rollout, datetime]:
    """Return a rollout brought into a state by real transitions, and the moment."""
    if status in {Status.DRAFT, Status.CANCELLED}:
        rollout = _draft(world)
        if status is Status.CANCELLED:
            cancel_rollout(rollout_id=rollout.pk, now=NOW, **BY)
        return rollout, NOW
    rollout = make_rehearsal(world)
    if status is Status.SCHEDULED:
        return rollout, NOW
    if status is Status.COMPLETED:
        return rollout, play(world, rollout, start=NOW, seconds=DAY * 12)
    now = play(world, rollout, start=NOW, seconds=DAY)
    if status is Status.PAUSED:
        pause_rollout(rollout_id=rollout.pk, now=now, **BY)
    elif status in {Status.HELD, Status.ROLLED_BACK}:
        flags = [world.flags[0].pk] if status is Status.HELD else None
        roll_back(rollout_id=rollout.pk, flag_ids=flags, trigger=Trigger.MANUAL, now=now, **BY)
        for row in rollout.rollout_flags.filter(rolled_back_at__isnull=False):
            acknowledge_flag(rollout_id=rollout.pk, flag_id=row.flag_id, now=now, **BY)
    return rollout, now


REACHABLE = [status for status in Status if status is not Status.AWAITING_APPROVAL]


@pytest.mark.django_db
@pytest.mark.parametrize("start", REACHABLE)
@pytest.mark.parametrize("name", ACTIONS)
def test_action__from_each_state__is_allowed_exactly_where_the_table_says(name: str, start: Status) -> None:
    world = make_world()
    rollout, now = _reach(world, start)
    rollout.refresh_from_db()
    assert rollout.status == start
    act, end = ACTIONS[name]
    events, history = rollout.events.count(), rollout.history.count()
    allowed = can_move(EDGES, start=start, end=end) and (name, start) not in NOT_TAKEN

    if allowed:
        act(rollout_id=rollout.pk, now=now, **BY)
    else:
        with pytest.raises(Refusal, match="wrong_state"):
            act(rollout_id=rollout.pk, now=now, **BY)

    rollout.refresh_from_db()
    assert rollout.status == (end if allowed else start)
    assert (rollout.events.count() > events) == allowed
    assert (rollout.history.count() > history) == allowed


@pytest.mark.django_db
@pytest.mark.parametrize(("start", "name"), [(Status.SCHEDULED, "cancel"), (Status.DRAFT, "schedule")])
@pytest.mark.parametrize("change", [{"reason": " "}, {"seen_epoch": 999}, {"rollout_id": 10**9}])
def test_action__wrong_input__changes_nothing(start: Status, name: str, change: dict[str, Any]) -> None:
    world = make_world()
    rollout, now = _reach(world, start)

    with pytest.raises((InvalidInput, Refusal)):
        ACTIONS[name][0](**({"rollout_id": rollout.pk, "now": now} | BY | change))

    rollout.refresh_from_db()
    assert rollout.status == start


@pytest.mark.django_db
def test_schedule__a_flag_that_another_rollout_drives__is_refused_whole() -> None:
    world = make_world()
    make_rehearsal(world)
    second = _draft(world)

    with pytest.raises(Refusal, match="flag_in_other_rollout"):
        schedule_rollout(rollout_id=second.pk, now=NOW, **BY)

    second.refresh_from_db()
    assert second.status == Status.DRAFT
    assert not second.rollout_flags.filter(is_active=True).exists()


@pytest.mark.django_db
def test_schedule__a_start_that_has_passed_meanwhile__is_refused() -> None:
    world = make_world()
    rollout = _draft(world, start_on=date(2026, 11, 25))

    with pytest.raises(Refusal, match="start_in_past"):
        schedule_rollout(rollout_id=rollout.pk, now=NOW + timedelta(days=2), **BY)


@pytest.mark.django_db
def test_pause__stops_every_step_and_resume_takes_up_the_next() -> None:
    world = make_world()
    rollout, now = _reach(world, Status.PAUSED)
    done = rollout.steps.filter(status="done").count()

    assert run_next_step(rollout_id=rollout.pk, now=now + timedelta(days=30)) is None
    resume_rollout(rollout_id=rollout.pk, now=now, **BY)
    assert run_next_step(rollout_id=rollout.pk, now=now + timedelta(seconds=DAY)) is not None

    assert rollout.steps.filter(status="done").count() == done + 1
    kinds = list(rollout.events.values_list("kind", flat=True))
    assert kinds.count("paused") == kinds.count("resumed") == 1


@pytest.mark.django_db
def test_rolled_back_flag__its_steps_are_skipped_and_the_others_go_on() -> None:
    world = make_world()
    rollout, now = _reach(world, Status.HELD)
    gone = world.flags[0]

    resume_rollout(rollout_id=rollout.pk, now=now, **BY)
    play(world, rollout, start=now, seconds=DAY * 12)

    rollout.refresh_from_db()
    assert rollout.status == Status.COMPLETED
    assert not Rule.objects.filter(state__flag=gone, kind="everyone").exists()
    assert set(rollout.steps.filter(flag=gone).values_list("status", flat=True)) <= {"done", "skipped"}
    assert rollout.steps.filter(flag=gone, status="skipped").exists()
    assert not rollout.steps.exclude(flag=gone).exclude(status="done").exists()
    assert FlagState.objects.get(flag=gone).is_killed


@pytest.mark.django_db
def test_redraft__over_the_night_the_clock_changes__keeps_local_hours_and_skips_closed_days() -> None:
    world = make_world()
    rollout = _draft(world, start_on=date(2026, 11, 25))
    schedule_rollout(rollout_id=rollout.pk, now=NOW, **BY)
    begun = rollout.steps.order_by("position")[0].due_at
    run_next_step(rollout_id=rollout.pk, now=begun)
    roll_back(rollout_id=rollout.pk, flag_ids=None, trigger=Trigger.MANUAL, now=begun, **BY)
    for flag in world.flags:
        acknowledge_flag(rollout_id=rollout.pk, flag_id=flag.pk, now=begun, **BY)
    # Wednesday before the Sunday on which summer time begins, and Good Friday's weekend behind it.
    later = datetime(2027, 3, 24, 12, tzinfo=PARIS)

    redraft_rollout(rollout_id=rollout.pk, now=later, **BY)

    rollout.refresh_from_db()
    due = [step.due_at.astimezone(PARIS) for step in rollout.steps.order_by("position")]
    assert rollout.start_on == date(2027, 3, 25)
    assert due == sorted(due)
    assert {moment.hour for moment in due} <= {6, 9, 11, 14, 15, 16}
    assert date(2027, 3, 29) not in {moment.date() for moment in due}, "Easter Monday"
    schedule_rollout(rollout_id=rollout.pk, now=later, **BY)


@pytest.mark.django_db(transaction=True)
def test_pause__four_at_once_who_saw_the_same__one_does_it() -> None:
    world = make_world()
    rollout = make_rehearsal(world)
    now = play(world, rollout, start=NOW, seconds=DAY)
    rollout.refresh_from_db()

    def work(_: int) -> str:
        try:
            pause_rollout(rollout_id=rollout.pk, now=now, seen_epoch=rollout.epoch, **BY)
        except Refusal as refusal:
            return refusal.code
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(work, range(4))) == ["changed_meanwhile"] * 3 + ["done"]
    assert rollout.events.filter(kind="paused").count() == 1


@pytest.mark.django_db(transaction=True)
def test_run_next_step__four_beats_at_once__do_each_step_once() -> None:
    world = make_world()
    rollout = make_rehearsal(world)
    # The same change is due for the whole of the internal phase: three flags for the testers.
    for flag in rollout.steps.filter(phase__kind="internal"):
        flag.due_at = NOW
        with recorded(actor=SCHEDULER, reason=WHY, now=NOW):
            flag.save()

    def work(_: int) -> int:
        done = 0
        try:
            for _attempt in range(20):
                done += run_next_step(rollout_id=rollout.pk, now=NOW) is not None
        finally:
            connection.close()
        return done

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 3
    assert rollout.events.filter(kind="step_done").count() == 3
    assert Rule.objects.count() == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("run", range(3))
def test_roll_back__against_a_beat__ends_with_everything_off_and_no_step_after(run: int) -> None:
    world = make_world()
    rollout = make_rehearsal(world)
    now = NOW + timedelta(seconds=DAY * 2 - 1)
    run_next_step(rollout_id=rollout.pk, now=now)

    def step(_: int) -> None:
        try:
            while run_next_step(rollout_id=rollout.pk, now=now) is not None:
                pass
        finally:
            connection.close()

    def take_back(_: int) -> None:
        try:
            roll_back(rollout_id=rollout.pk, flag_ids=None, trigger=Trigger.MANUAL, now=now, **BY)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        for waiting in [pool.submit(step, 0), pool.submit(take_back, 0)]:
            waiting.result()

    rollout.refresh_from_db()
    assert rollout.status == Status.ROLLED_BACK
    assert not FlagState.objects.filter(killed_at=None).exists()
    assert run_next_step(rollout_id=rollout.pk, now=now + timedelta(days=1)) is None
    assert not rollout.steps.filter(status="planned").exists()
