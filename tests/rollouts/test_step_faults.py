"""A due step that fails: tried less and less often, then held and told; other rollouts go on."""

from dataclasses import replace
from datetime import timedelta

import pytest

from core import clock
from core.actors import SCHEDULER, command
from core.history import recorded
from flags.models import Flag
from notifications.models import Event
from rollouts import tasks
from rollouts.domain.lifecycle import Status
from rollouts.domain.step_retry import MOST_ATTEMPTS, delay_after
from rollouts.models import Rollout, RolloutFlag, StepFault, StepStatus
from rollouts.queries import list_due_rollouts
from rollouts.tasks import run_due_steps
from rollouts.transitions import create_release, note_step_fault, resume_rollout
from tests.factories.flags import make_flag
from tests.factories.world import DAY, NOW, WHY, World, make_rehearsal, make_world
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world(now=clock.now() - timedelta(seconds=DAY))


@pytest.fixture
def rollout(world: World) -> Rollout:
    """A rehearsal under way, whose flags are archived behind its back: its next step is refused."""
    rollout = make_rehearsal(world, now=clock.now() - timedelta(seconds=DAY // 2))
    run_due_steps()
    Flag.objects.update(archived_at=clock.now())
    _make_due(rollout)
    rollout.refresh_from_db()
    assert rollout.status == Status.RUNNING
    return rollout


def _make_due(rollout: Rollout) -> None:
    rollout.steps.filter(status=StepStatus.PLANNED).update(due_at=clock.now() - timedelta(seconds=1))


def _fail_for_good() -> None:
    for _attempt in range(MOST_ATTEMPTS):
        StepFault.objects.update(next_attempt_at=clock.now() - timedelta(seconds=1))
        run_due_steps()


def test_step__fails__is_counted_and_left_alone_for_a_while(rollout: Rollout) -> None:
    run_due_steps()
    run_due_steps()

    fault = StepFault.objects.get()
    assert (fault.attempts, fault.last_error) == (1, "flag_archived")
    assert rollout.pk not in list_due_rollouts(now=clock.now())
    assert rollout.pk in list_due_rollouts(now=fault.next_attempt_at)


def test_step__fails_for_good__is_held_and_told(rollout: Rollout) -> None:
    _fail_for_good()

    rollout.refresh_from_db()
    assert (rollout.status, rollout.held_code) == (Status.HELD, "step_failed")
    assert rollout.held_data["error"] == "flag_archived"
    assert not StepFault.objects.exists()
    assert Event.objects.filter(kind="rollout_held").count() == 1
    page = sign_in().get(f"/rollouts/{rollout.pk}/").content.decode()
    assert "A due step fails again and again" in page
    assert "Waits:" in page


def test_fault__of_a_kind_nobody_foresaw__does_not_stop_the_others(world: World) -> None:
    broken = make_rehearsal(world, now=clock.now() - timedelta(seconds=DAY // 2))
    release = create_release(version="1.4", flag_ids=[make_flag(key="late").pk], actor=SCHEDULER, reason=WHY, now=NOW)
    other = make_rehearsal(replace(world, release=release), now=clock.now() - timedelta(seconds=DAY // 2))
    with recorded(actor=SCHEDULER, reason=WHY, now=NOW):
        RolloutFlag.objects.filter(rollout=broken).delete()

    run_due_steps()

    assert StepFault.objects.get().rollout == broken
    assert other.steps.filter(status=StepStatus.DONE).exists()


def test_round__that_is_full__forgets_no_failure_of_those_behind(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    release = create_release(version="1.4", flag_ids=[make_flag(key="late").pk], actor=SCHEDULER, reason=WHY, now=NOW)
    make_rehearsal(world, now=clock.now() - timedelta(seconds=DAY // 2))
    behind = make_rehearsal(replace(world, release=release), now=clock.now() - timedelta(seconds=DAY // 2))
    note_step_fault(rollout_id=behind.pk, error=ValueError(), now=clock.now())
    StepFault.objects.update(next_attempt_at=clock.now() - timedelta(seconds=1))
    monkeypatch.setattr(tasks, "MOST_STEPS", 1)

    assert run_due_steps() == 1

    assert StepFault.objects.get().attempts == 1


def test_first_step__fails_for_good__is_held_and_told(world: World) -> None:
    rollout = make_rehearsal(world, now=clock.now() - timedelta(seconds=DAY // 2))
    Flag.objects.update(archived_at=clock.now())
    assert rollout.status == Status.SCHEDULED

    _fail_for_good()

    rollout.refresh_from_db()
    assert (rollout.status, rollout.held_code) == (Status.HELD, "step_failed")
    assert not rollout.steps.filter(status=StepStatus.DONE).exists()
    assert list(rollout.events.order_by("pk").values_list("kind", flat=True))[-2:] == ["started", "held"]
    assert Event.objects.filter(kind="rollout_held").count() == 1


def test_step__mended_and_resumed__goes_on(rollout: Rollout) -> None:
    _fail_for_good()
    done = rollout.steps.filter(status=StepStatus.DONE).count()

    Flag.objects.update(archived_at=None)
    resume_rollout(rollout_id=rollout.pk, actor=command("ops"), reason=WHY, now=clock.now())
    _make_due(rollout)
    run_due_steps()

    assert rollout.steps.filter(status=StepStatus.DONE).count() > done


def test_fault__of_a_rollout_that_stands__is_not_counted(rollout: Rollout) -> None:
    Rollout.objects.filter(pk=rollout.pk).update(status=Status.PAUSED)

    assert note_step_fault(rollout_id=rollout.pk, error=ValueError("x"), now=clock.now()) is None
    assert not StepFault.objects.exists()


def test_delay__each_failure__doubles_it_until_a_person_must_look() -> None:
    delays = [delay_after(attempts) for attempts in range(1, MOST_ATTEMPTS + 1)]

    assert delays == [*(timedelta(seconds=seconds) for seconds in (2, 4, 8, 16)), None]
