"""What a rollback promises afterwards: nothing comes on again unasked, nothing is let through that was asked before."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from core.actors import SCHEDULER
from flags.models import FlagState
from flags.transitions import kill_flag, release_flag
from rollouts.labels import say_event
from rollouts.models import Rollout, Trigger
from rollouts.transitions import acknowledge_flag, redraft_rollout, roll_back
from tests.factories.world import DAY, NOW, WHY, World, make_rehearsal, make_world, play

BY: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY}
HOUR = timedelta(hours=1)


@pytest.fixture
def world() -> World:
    return make_world()


def _killed(world: World) -> set[str]:
    states = FlagState.objects.filter(environment=world.environment, killed_at__isnull=False)
    return set(states.values_list("flag__key", flat=True))


def _take_back(world: World, *, start: datetime = NOW) -> tuple[Rollout, datetime]:
    """Return a rollout begun at `start` and rolled back whole, and when."""
    rollout = make_rehearsal(world, now=start)
    now = play(world, rollout, start=start, seconds=DAY)
    roll_back(rollout_id=rollout.pk, flag_ids=None, trigger=Trigger.MANUAL, now=now, **BY)
    return rollout, now


def _acknowledge(rollout: Rollout, now: datetime) -> None:
    for row in rollout.rollout_flags.filter(rolled_back_at__isnull=False):
        acknowledge_flag(rollout_id=rollout.pk, flag_id=row.flag_id, now=now, **BY)


def _lift_by_hand(world: World, now: datetime) -> None:
    for flag in world.flags:
        release_flag(flag_id=flag.pk, environment_id=world.environment.pk, now=now, **BY)


@pytest.mark.django_db
class TestRedraft:
    def test_redraft__nothing_happened_since__lifts_what_its_rollback_set(self, world: World) -> None:
        rollout, now = _take_back(world)
        _acknowledge(rollout, now)

        redraft_rollout(rollout_id=rollout.pk, now=now + HOUR, **BY)

        assert _killed(world) == set()
        last = rollout.events.latest("pk")
        assert say_event(kind=last.kind, data=last.data) == "Planned anew"

    def test_redraft__another_rollout_took_the_flags_back_since__leaves_them_off(self, world: World) -> None:
        first, now = _take_back(world)
        _acknowledge(first, now)
        _lift_by_hand(world, now + HOUR)
        second, now = _take_back(world, start=now + 2 * HOUR)

        redraft_rollout(rollout_id=first.pk, now=now + HOUR, **BY)

        assert _killed(world) == {"buttons", "tickets", "signals"}
        _acknowledge(second, now + 2 * HOUR)
        redraft_rollout(rollout_id=second.pk, now=now + 3 * HOUR, **BY)
        assert _killed(world) == set()

    def test_redraft__another_rollout_was_taken_back_under_the_same_kill__leaves_it(self, world: World) -> None:
        first, now = _take_back(world)
        _acknowledge(first, now)
        _take_back(world, start=now + HOUR)

        redraft_rollout(rollout_id=first.pk, now=now + 2 * HOUR, **BY)

        assert _killed(world) == {"buttons", "tickets", "signals"}

    def test_redraft__a_person_switched_a_flag_off_since__leaves_it_off_and_says_so(self, world: World) -> None:
        rollout, now = _take_back(world)
        _acknowledge(rollout, now)
        _lift_by_hand(world, now + HOUR)
        kill_flag(flag_id=world.flags[0].pk, environment_id=world.environment.pk, now=now + 2 * HOUR, **BY)

        redraft_rollout(rollout_id=rollout.pk, now=now + 3 * HOUR, **BY)

        assert _killed(world) == {"buttons"}
        last = rollout.events.latest("pk")
        assert say_event(kind=last.kind, data=last.data) == "Planned anew; off since, for another reason: buttons"
