"""The demo's rehearsal begins again, and leaves to people what is theirs."""

from datetime import timedelta
from typing import Any

import pytest

from core.actors import DEMO, SCHEDULER
from flags.domain.audience import RuleAudience
from flags.models import Rule
from flags.transitions import NewMember
from releaseportal.tasks import restart
from rollouts.domain.lifecycle import Status
from rollouts.drawing import PlanRequest
from rollouts.models import Rollout, Trigger
from rollouts.transitions import acknowledge_flag, cancel_rollout, plan_rollout, roll_back, schedule_rollout
from tests.factories.flags import make_rule
from tests.factories.world import DAY, NOW, WHY, World, make_world, play

pytestmark = pytest.mark.django_db

BY: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY}
LATER = NOW + timedelta(hours=1)


def _plan(world: World) -> Rollout:
    request = PlanRequest(
        release_id=world.release.pk,
        environment_id=world.environment.pk,
        testers_id=world.testers.pk,
        pilots=tuple(NewMember(f"cashier-{n}") for n in range(3)),
        site_ids=tuple(site.pk for site in world.sites),
        day_seconds=DAY,
        is_repeated=True,
    )
    return plan_rollout(request=request, now=NOW, **BY)


def _end(world: World) -> Rollout:
    """Return a repeated rehearsal that was taken back as a whole."""
    rollout = _plan(world)
    schedule_rollout(rollout_id=rollout.pk, now=NOW, **BY)
    now = play(world, rollout, start=NOW, seconds=DAY)
    roll_back(rollout_id=rollout.pk, flag_ids=None, trigger=Trigger.MANUAL, now=now, **BY)
    for flag in world.flags:
        acknowledge_flag(rollout_id=rollout.pk, flag_id=flag.pk, now=now, **BY)
    rollout.refresh_from_db()
    return rollout


def test_restart__ended__begins_anew_and_keeps_a_persons_rule() -> None:
    world = make_world()
    old = _end(world)
    own = make_rule(world.flags[0], world.environment, RuleAudience.for_site(world.sites[0].pk))

    new = restart(rollout_id=old.pk, now=LATER)

    assert new is not None
    assert new.status == Status.SCHEDULED
    assert list(Rule.objects.all()) == [own]


def test_restart__a_newer_draft__does_not_stop_it_and_a_scheduled_one_does() -> None:
    world = make_world()
    old = _end(world)
    _plan(world)
    assert restart(rollout_id=old.pk, now=LATER) is not None
    assert restart(rollout_id=old.pk, now=LATER) is None


def test_restart__cancelled_by_a_person__stays_so() -> None:
    rollout = _plan(make_world())
    cancel_rollout(rollout_id=rollout.pk, actor=DEMO, reason="Not today", now=NOW)
    assert restart(rollout_id=rollout.pk, now=LATER) is None
