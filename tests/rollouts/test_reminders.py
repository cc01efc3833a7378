"""What people hear of steps: half a day ahead, and once for what goes together."""

from datetime import date, datetime, timedelta

import pytest
import time_machine

from core.actors import SCHEDULER
from flags.transitions import NewMember
from notifications.labels import say_subject
from notifications.models import Event
from rollouts.drawing import PlanRequest
from rollouts.models import Rollout, Step
from rollouts.tasks import DUE_SOON, remind_of_steps
from rollouts.transitions import pause_rollout, plan_rollout, run_next_step, schedule_rollout
from tests.factories.world import NOW, WHY, World, make_rehearsal, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def rollout(world: World) -> Rollout:
    """A scheduled rollout on real days."""
    request = PlanRequest(
        release_id=world.release.pk,
        environment_id=world.environment.pk,
        testers_id=world.testers.pk,
        pilots=tuple(NewMember(f"cashier-{n}") for n in range(3)),
        site_ids=tuple(site.pk for site in world.sites),
        start_on=date(2026, 11, 25),
    )
    made = plan_rollout(request=request, actor=SCHEDULER, reason=WHY, now=NOW)
    return schedule_rollout(rollout_id=made.pk, actor=SCHEDULER, reason=WHY, now=NOW)


def _remind(now: datetime) -> int:
    with time_machine.travel(now, tick=False):
        return int(remind_of_steps())


def test_remind__half_a_day_ahead__says_it_once_for_a_sites_flags(world: World, rollout: Rollout) -> None:
    first = Step.objects.filter(rollout=rollout, site__isnull=False).order_by("position")[0]
    Step.objects.filter(rollout=rollout, position__lt=first.position).update(status="skipped")
    rollout.phases.filter(position__lt=first.phase.position).update(status="done")

    assert _remind(first.due_at - DUE_SOON - timedelta(seconds=1)) == 0
    assert _remind(first.due_at - DUE_SOON + timedelta(seconds=1)) == 1
    assert _remind(first.due_at - timedelta(minutes=1)) == 0

    event = Event.objects.get(kind="step_due_soon")
    assert event.data["flags"] == [flag.key for flag in world.flags]
    assert say_subject(event) == "Due soon in staging: 3 flags for Lyon"


def test_remind__a_paused_rollout_or_a_rehearsal__is_not_told(world: World, rollout: Rollout) -> None:
    first = Step.objects.filter(rollout=rollout).order_by("position")[0]
    run_next_step(rollout_id=rollout.pk, now=first.due_at)
    pause_rollout(rollout_id=rollout.pk, actor=SCHEDULER, reason=WHY, now=first.due_at)

    assert _remind(first.due_at + timedelta(seconds=1)) == 0


def test_remind__a_rehearsal__is_not_told() -> None:
    make_rehearsal(make_world(now=NOW))

    assert _remind(NOW) == 0
