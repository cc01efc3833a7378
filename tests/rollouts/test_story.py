"""The story in one process: through the phases, a flag taken back, its incident, its mail."""

from datetime import timedelta
from itertools import pairwise

import pytest

from core.actors import SCHEDULER
from core.errors import Refusal
from flags.models import FlagState
from incidents.intake import list_waiting, take_in
from incidents.models import Incident
from notifications.models import Event
from rollouts.domain.lifecycle import Status
from rollouts.guarding import watch_rollout
from rollouts.models import StepStatus, Trigger
from rollouts.transitions import acknowledge_flag, redraft_rollout, resume_rollout, roll_back
from tests.factories.world import DAY, NOW, WHY, make_rehearsal, make_world, play, reload, report

pytestmark = pytest.mark.django_db


def test_rehearsal__healthy_fleet__runs_through_all_phases() -> None:
    world = make_world()
    rollout = make_rehearsal(world)

    play(world, rollout, start=NOW, seconds=DAY * 12)

    rollout = reload(rollout)
    assert rollout.status == Status.COMPLETED
    assert not rollout.steps.exclude(status=StepStatus.DONE).exists()
    days = {step.site_id: step.done_at for step in rollout.steps.filter(site__isnull=False)}
    moments = sorted(moment for moment in days.values() if moment)
    assert len(moments) == 3
    assert all(later - earlier >= timedelta(seconds=DAY) for earlier, later in pairwise(moments))


def test_phase_end__no_data__holds_and_tells() -> None:
    world = make_world()
    rollout = make_rehearsal(world)

    play(world, rollout, start=NOW, seconds=DAY * 3, healthy=False)

    rollout = reload(rollout)
    assert (rollout.status, rollout.held_code) == (Status.HELD, "gate")
    assert Event.objects.filter(kind="rollout_held").count() == 1


def test_resume__gate_waived__goes_on_with_the_next_phase() -> None:
    world = make_world()
    rollout = make_rehearsal(world)
    now = play(world, rollout, start=NOW, seconds=DAY * 3, healthy=False)

    resume_rollout(rollout_id=rollout.pk, actor=SCHEDULER, reason=WHY, now=now, waive_gate=True)
    play(world, rollout, start=now, seconds=2, healthy=False)

    assert rollout.steps.filter(segment=rollout.pilots, status=StepStatus.DONE).exists()


def test_critical_errors__two_tills__take_back_that_flag_alone_once() -> None:
    world = make_world()
    rollout = make_rehearsal(world)
    now = play(world, rollout, start=NOW, seconds=DAY * 2) + timedelta(seconds=1)
    buttons, tickets, _signals = world.flags
    report(world, flag=buttons, now=now, till="till-1", critical=2)
    report(world, flag=buttons, now=now, till="till-2", critical=1)

    for second in (1, 2):
        watch_rollout(reload(rollout), now=now + timedelta(seconds=second))

    states = {state.flag_id: state for state in FlagState.objects.filter(environment=world.environment)}
    assert states[buttons.pk].is_killed
    assert not states[tickets.pk].is_killed
    rollout = reload(rollout)
    assert (rollout.status, rollout.held_code) == (Status.HELD, "flag_rolled_back")
    rollback = rollout.rollbacks.get()
    assert (rollback.detected_at, rollback.evidence["k"]) == (now, 3)


@pytest.mark.parametrize(("tills", "critical"), [(["till-1"], 3), (["till-1", "till-2"], 1)])
def test_critical_errors__below_the_bound__change_nothing(tills: list[str], critical: int) -> None:
    world = make_world()
    rollout = make_rehearsal(world)
    now = play(world, rollout, start=NOW, seconds=DAY * 2) + timedelta(seconds=1)
    for till in tills:
        report(world, flag=world.flags[0], now=now, till=till, critical=critical)

    watch_rollout(reload(rollout), now=now + timedelta(seconds=1))

    assert reload(rollout).status == Status.RUNNING


def test_integrity_error__one__takes_the_flag_back() -> None:
    world = make_world()
    rollout = make_rehearsal(world)
    now = play(world, rollout, start=NOW, seconds=DAY * 2) + timedelta(seconds=1)
    report(world, flag=world.flags[1], now=now, integrity=1)

    watch_rollout(reload(rollout), now=now + timedelta(seconds=1))

    assert list(rollout.rollout_flags.filter(is_active=False).values_list("flag__key", flat=True)) == ["tickets"]


def test_intake__rollback__opens_one_critical_incident_whose_clock_began_at_detection() -> None:
    world = make_world()
    rollout = make_rehearsal(world)
    now = play(world, rollout, start=NOW, seconds=DAY * 2)
    roll_back(
        rollout_id=rollout.pk,
        flag_ids=[world.flags[0].pk],
        trigger=Trigger.MANUAL,
        actor=SCHEDULER,
        reason=WHY,
        now=now,
        detected_at=now - timedelta(seconds=30),
    )
    waiting = list_waiting(limit=10)

    made = [take_in(event_id, now=now) for event_id in waiting * 2]

    incident = Incident.objects.get()
    assert [one for one in made if one] == [incident]
    assert (incident.tier, incident.detected_at) == ("critical", now - timedelta(seconds=30))
    assert Event.objects.filter(kind="incident_opened").count() == 1


def test_roll_back__everything__ends_the_rollout_until_it_is_acknowledged_and_planned_anew() -> None:
    world = make_world()
    rollout = make_rehearsal(world)
    now = play(world, rollout, start=NOW, seconds=DAY * 2)
    roll_back(rollout_id=rollout.pk, flag_ids=None, trigger=Trigger.MANUAL, actor=SCHEDULER, reason=WHY, now=now)
    assert reload(rollout).status == Status.ROLLED_BACK
    with pytest.raises(Refusal, match="rollback_not_acknowledged"):
        redraft_rollout(rollout_id=rollout.pk, actor=SCHEDULER, reason=WHY, now=now)

    for flag in world.flags:
        acknowledge_flag(rollout_id=rollout.pk, flag_id=flag.pk, actor=SCHEDULER, reason=WHY, now=now)
    redraft_rollout(rollout_id=rollout.pk, actor=SCHEDULER, reason=WHY, now=now)

    rollout = reload(rollout)
    assert (rollout.status, rollout.attempt) == (Status.DRAFT, 2)
    assert not FlagState.objects.filter(killed_at__isnull=False).exists()


def test_late_verdict__epoch_moved_on__is_refused() -> None:
    world = make_world()
    rollout = make_rehearsal(world)
    now = play(world, rollout, start=NOW, seconds=DAY)

    with pytest.raises(Refusal, match="late_verdict"):
        roll_back(
            rollout_id=rollout.pk,
            flag_ids=None,
            trigger=Trigger.CRITICAL_ERRORS,
            actor=SCHEDULER,
            reason=WHY,
            now=now,
            expected_epoch=reload(rollout).epoch - 1,
        )
