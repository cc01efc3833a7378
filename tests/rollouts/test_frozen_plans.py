"""Plans keep out of freezes: drawn, promised and due; rehearsals and what takes back do not."""

from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from core import clock
from core.actors import SCHEDULER
from core.domain.business_time import at_local, local_day
from core.history import recorded
from core.reasons import say_reason
from flags.transitions import NewMember, kill_flag
from rollouts.domain.freezing import Freeze
from rollouts.domain.lifecycle import Status
from rollouts.domain.templates import PhaseKind
from rollouts.drawing import PlanRequest, draw_plan
from rollouts.models import FreezeWindow, Rollout, StepStatus, Trigger
from rollouts.promises import count_moves, list_misdated_rollouts
from rollouts.queries import find_next_step
from rollouts.track import prefetch_track, summarise
from rollouts.transitions import (
    add_freeze,
    hold_rollout,
    pause_rollout,
    plan_rollout,
    remove_freeze,
    resume_rollout,
    roll_back,
    run_next_step,
    schedule_rollout,
)
from rollouts.transitions.redating import keep_to_open_days
from tests.factories.world import NOW, WHY, World, make_rehearsal, make_world
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db

BY: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY}
PARIS = ZoneInfo("Europe/Paris")
START = date(2026, 11, 25)
#: The plan's days without a freeze: it begins on a Wednesday, and the shops are closed on Sundays.
LYON, NANTES, LILLE, EVERYONE = (date(2026, 12, day) for day in (1, 2, 3, 7))


@pytest.fixture
def world() -> World:
    return make_world()


def _request(world: World, **chosen: Any) -> PlanRequest:
    return PlanRequest(
        release_id=world.release.pk,
        environment_id=world.environment.pk,
        testers_id=world.testers.pk,
        pilots=tuple(NewMember(f"cashier-{n}") for n in range(3)),
        site_ids=tuple(site.pk for site in world.sites),
        **({"start_on": START} | chosen),
    )


@pytest.fixture
def rollout(world: World) -> Rollout:
    planned = plan_rollout(request=_request(world), now=NOW, **BY)
    return schedule_rollout(rollout_id=planned.pk, now=NOW, **BY)


def _freeze(world: World, start: date, days: int = 1, *, label: str = "Sales", now: datetime = NOW) -> FreezeWindow:
    places = [world.environment.pk]
    end = start + timedelta(days=days)
    return add_freeze(environment_ids=places, starts_on=start, ends_on=end, label=label, now=now, **BY)[0]


def _quietly_freeze(world: World, start: date, days: int = 1) -> None:
    """Freeze days as if the rollouts were being written to: their dates are as promised before."""
    with recorded(now=NOW, **BY):
        FreezeWindow(
            environment=world.environment,
            starts_on=start,
            ends_on=start + timedelta(days=days),
            label="Sales",
            reason=WHY,
            set_at=NOW,
            set_by="a test",
        ).save()


def _days(rollout: Rollout) -> list[date]:
    dues = rollout.steps.order_by("position").values_list("due_at", flat=True)
    return list(dict.fromkeys(local_day(due, zone=PARIS) for due in dues))


def _run(rollout: Rollout, now: datetime) -> None:
    """Do what is due; a gate without samples is waived."""
    for _round in range(20):
        while run_next_step(rollout_id=rollout.pk, now=now) is not None:
            pass
        rollout.refresh_from_db()
        if rollout.status != Status.HELD:
            return
        resume_rollout(rollout_id=rollout.pk, waive_gate=True, now=now, **BY)


def _play(rollout: Rollout, until: datetime) -> None:
    while (step := find_next_step(rollout)) is not None and step.due_at <= until:
        _run(rollout, step.due_at)


def _at(day: date, hour: int = 6) -> datetime:
    return at_local(day, time(hour), zone=PARIS)


def test_draw__a_freeze__is_left_out_by_every_phase_and_named(world: World) -> None:
    free = {step.due_at for phase in draw_plan(_request(world), now=NOW).phases for step in phase.steps}
    for number, day in enumerate(sorted({local_day(due, zone=PARIS) for due in free})):
        _freeze(world, day, label=f"Freeze {number}")

    plan = draw_plan(_request(world), now=NOW)

    frozen = {row.starts_on for row in FreezeWindow.objects.all()}
    days = {local_day(step.due_at, zone=PARIS) for phase in plan.phases for step in phase.steps}
    assert not days & frozen
    assert "Freeze 0" in {skip.label for skips in plan.skips.values() for skip in skips}


def test_draw__a_rehearsal__goes_on_in_a_freeze(world: World) -> None:
    _freeze(world, date(2026, 11, 24), days=100)

    plan = draw_plan(_request(world, start_on=None, day_seconds=60), now=NOW)

    assert plan.phases[0].starts_at < NOW + timedelta(seconds=60)
    rehearsal = make_rehearsal(world)
    assert run_next_step(rollout_id=rehearsal.pk, now=NOW + timedelta(minutes=5)) is not None


def test_freeze__over_promised_days__moves_every_step_behind_it_and_says_why(world: World, rollout: Rollout) -> None:
    before = _days(rollout)
    assert before[-4:] == [LYON, NANTES, LILLE, EVERYONE]
    ends = {phase.kind: phase.ends_at for phase in rollout.phases.all()}

    _freeze(world, before[1], days=1)

    # The second day of the internal phase is frozen: one plan day later from there on.
    after = _days(rollout)
    assert after[0] == before[0]
    assert after[1:] == [day + timedelta(days=2 if day.isoweekday() == 6 else 1) for day in before[1:]]
    later = {phase.kind: phase.ends_at for phase in rollout.phases.all()}
    assert all(later[kind] > ends[kind] for kind in ends)
    event = rollout.events.get(kind="plan_moved")
    assert (event.reason, event.data["freeze"]) == (f"Freeze Sales: no step on {before[1]}", "Sales")
    assert say_reason(event.reason) == event.reason
    assert list_misdated_rollouts(now=NOW) == []


@pytest.mark.parametrize("stop", ["", "pause", "hold"])
def test_freeze__added_and_a_beat_later__moves_what_runs_is_paused_or_held(
    world: World, rollout: Rollout, stop: str
) -> None:
    _play(rollout, _at(START, 23))
    now = _at(START, 23)
    if stop == "pause":
        pause_rollout(rollout_id=rollout.pk, now=now, **BY)
    if stop == "hold":
        hold_rollout(rollout_id=rollout.pk, code="gate", data={}, now=now, **BY)
    _quietly_freeze(world, LYON, days=2)
    assert list_misdated_rollouts(now=now) == [rollout.pk]

    assert keep_to_open_days(rollout_id=rollout.pk, now=now)

    assert _days(rollout)[-4:] == [date(2026, 12, day) for day in (3, 4, 5, 9)]
    assert not keep_to_open_days(rollout_id=rollout.pk, now=now)


def test_schedule__a_draft_older_than_a_freeze__moves_at_once(world: World) -> None:
    draft = plan_rollout(request=_request(world), now=NOW, **BY)
    before = _days(draft)
    _freeze(world, LYON)
    assert _days(draft) == before

    schedule_rollout(rollout_id=draft.pk, now=NOW, **BY)

    assert LYON not in _days(draft)
    assert list(draft.events.order_by("pk").values_list("kind", flat=True)) == ["planned", "scheduled", "plan_moved"]


def test_count_moves__says_beforehand_what_a_freeze_does(world: World, rollout: Rollout) -> None:
    freeze = Freeze(LILLE, LILLE + timedelta(days=1), "Sales")
    steps = {step.pk: step.due_at for step in rollout.steps.all()}

    ((told, count),) = count_moves(environment_ids=[world.environment.pk], freeze=freeze, now=NOW)
    _freeze(world, LILLE)

    moved = [step for step in rollout.steps.all() if step.due_at != steps[step.pk]]
    assert (told, count) == (rollout, len(moved))
    # Lille's three flags, and everyone's behind them.
    assert count == 6


def test_freeze__removed__leaves_promised_dates(world: World, rollout: Rollout) -> None:
    freeze = _freeze(world, LYON)
    moved = _days(rollout)

    remove_freeze(freeze_id=freeze.pk, now=NOW, **BY)

    assert _days(rollout) == moved
    assert list_misdated_rollouts(now=NOW) == []


@pytest.mark.parametrize("day", [START, LYON, EVERYONE])
def test_step__due_on_a_day_frozen_meanwhile__is_not_done_and_moves_on(
    world: World, rollout: Rollout, day: date
) -> None:
    _play(rollout, _at(day) - timedelta(seconds=1))
    done = rollout.steps.filter(status=StepStatus.DONE).count()
    step = find_next_step(rollout)
    assert step is not None
    _quietly_freeze(world, day, days=2)

    _run(rollout, step.due_at)

    rollout.refresh_from_db()
    assert rollout.steps.filter(status=StepStatus.DONE).count() == done
    assert (rollout.status == Status.SCHEDULED) == (day == START)
    step.refresh_from_db()
    assert local_day(step.due_at, zone=PARIS) >= day + timedelta(days=2)
    assert "Freeze Sales" in rollout.events.latest("pk").reason


def test_step__late_and_back_in_a_freeze__waits_for_its_end(world: World, rollout: Rollout) -> None:
    _play(rollout, _at(LYON))
    back = _at(LILLE, 10)
    _quietly_freeze(world, LILLE, days=4)

    _run(rollout, back)

    assert set(
        rollout.steps.filter(site__isnull=False, status=StepStatus.DONE).values_list("site__key", flat=True)
    ) == {"lyon"}
    assert _days(rollout)[-3:-1] == [date(2026, 12, 7), date(2026, 12, 8)]


def test_freeze__never_stops_a_rollback_a_hold_or_a_kill_switch(world: World, rollout: Rollout) -> None:
    _play(rollout, _at(LYON))
    now = _at(NANTES, 10)
    _freeze(world, NANTES, days=10, now=_at(NANTES, 5))

    kill_flag(flag_id=world.flags[2].pk, environment_id=world.environment.pk, now=now, **BY)
    assert hold_rollout(rollout_id=rollout.pk, code="gate", data={}, now=now, **BY) is not None
    flags = [world.flags[0].pk]
    roll_back(rollout_id=rollout.pk, flag_ids=flags, trigger=Trigger.MANUAL, now=now, **BY)
    roll_back(rollout_id=rollout.pk, flag_ids=None, trigger=Trigger.MANUAL, now=now, **BY)

    rollout.refresh_from_db()
    assert rollout.status == Status.ROLLED_BACK


def test_pages__in_a_freeze__say_until_when(world: World) -> None:
    today = timezone.localdate(clock.now())
    start_on = today + timedelta(days=30)
    rollout = plan_rollout(request=_request(world, start_on=start_on), now=clock.now(), **BY)
    schedule_rollout(rollout_id=rollout.pk, now=clock.now(), **BY)
    client = sign_in()
    pages = ("/", "/rollouts/", f"/rollouts/{rollout.pk}/")
    assert not any("Freeze until" in client.get(page).content.decode() for page in pages)

    _freeze(world, today, days=2, now=clock.now())

    for page in pages:
        assert "Sales" in client.get(page).content.decode(), page
    draw_summary = summarise(prefetch_track(Rollout.objects.select_related("environment")).get(), now=clock.now())
    assert draw_summary.freeze == Freeze(today, today + timedelta(days=2), "Sales")


@pytest.mark.parametrize("day", [START, date(2026, 11, 26), date(2026, 11, 27), date(2026, 11, 28), NANTES, EVERYONE])
def test_phases__moved_by_a_freeze__end_when_the_next_begins_at_the_latest(
    world: World, rollout: Rollout, day: date
) -> None:
    _freeze(world, day, days=5)

    phases = list(rollout.phases.order_by("position"))
    for phase, following in pairwise(phases):
        assert phase.ends_at <= following.starts_at
    for phase in phases:
        dues = [step.due_at for step in phase.steps.all()]
        assert phase.starts_at == min(dues)
        assert max(dues) < phase.ends_at
    assert phases[-1].kind == PhaseKind.FULL


def test_freeze_page__before_it_is_set__says_what_it_moves(world: World) -> None:
    rollout = plan_rollout(request=_request(world, start_on=date(2031, 1, 6)), now=NOW, **BY)
    schedule_rollout(rollout_id=rollout.pk, now=NOW, **BY)
    client = sign_in()
    wanted = {
        "label": "Winter sales",
        "environments": [world.environment.key],
        "first_on": "2031-01-07",
        "reason": "Everybody is at the till",
    }

    page = client.post("/freezes/", wanted).content.decode()

    assert not FreezeWindow.objects.exists()
    moved = rollout.steps.count() - rollout.steps.filter(due_at__lt=_at(date(2031, 1, 7), 0)).count()
    assert f"{moved} steps" in page
    assert f"/rollouts/{rollout.pk}/" in page
    assert client.post("/freezes/", wanted | {"confirm": "1"}).status_code == 302
    assert rollout.events.filter(kind="plan_moved").exists()
