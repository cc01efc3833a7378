"""What holds a running rollout: a flag changed by hand, too many complaints."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from core.actors import Actor, command, person
from core.people import create_person
from core.roles import Role
from flags.domain.audience import RuleAudience
from flags.models import Rule
from flags.transitions import add_rule, kill_flag, remove_rule, switch_on
from health.transitions import log_complaint
from notifications.models import Event
from rollouts.domain.lifecycle import Status
from rollouts.guarding import watch_rollout
from rollouts.models import Rollout, Trigger
from rollouts.transitions import resume_rollout, roll_back
from tests.factories.flags import make_environment
from tests.factories.world import DAY, NOW, WHY, World, make_rehearsal, make_world, play, reload

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def rollout(world: World) -> Rollout:
    """A rehearsal whose first flag is on for the testers."""
    rollout = make_rehearsal(world)
    play(world, rollout, start=NOW, seconds=DAY // 2)
    return reload(rollout)


LATER = NOW + timedelta(seconds=DAY // 2)


def _mia() -> Actor:
    return person(
        create_person(username="mia", roles=[Role.RELEASE_MANAGER], actor=command("ops"), reason=WHY, now=NOW)
    )


def _kill(world: World, by: dict[str, Any]) -> None:
    kill_flag(flag_id=world.flags[0].pk, environment_id=world.environment.pk, **by)


def _switch_on_ahead_of_the_plan(world: World, by: dict[str, Any]) -> None:
    switch_on(flag_id=world.flags[2].pk, environment_id=world.environment.pk, **by)


def _widen(world: World, by: dict[str, Any]) -> None:
    add_rule(
        flag_id=world.flags[0].pk,
        environment_id=world.environment.pk,
        audience=RuleAudience.everyone(),
        variant="on",
        phase="",
        origin="",
        **by,
    )


CHANGES = [_kill, _switch_on_ahead_of_the_plan, _widen]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("actor", [_mia, lambda: command("ops")])
def test_watch__a_flag_changed_by_hand__holds_and_names_it(
    world: World, rollout: Rollout, change: Callable[[World, dict[str, Any]], None], actor: Callable[[], Actor]
) -> None:
    change(world, {"actor": actor(), "reason": "By hand", "now": LATER})

    watch_rollout(rollout, now=LATER + timedelta(seconds=1))

    rollout = reload(rollout)
    assert (rollout.status, rollout.held_code) == (Status.HELD, "flag_switched_by_hand")
    assert len(rollout.held_data["flags"]) == 1


def test_watch__resumed_after_a_look__does_not_hold_for_the_same_again(world: World, rollout: Rollout) -> None:
    _widen(world, {"actor": command("ops"), "reason": "By hand", "now": LATER})
    watch_rollout(rollout, now=LATER + timedelta(seconds=1))
    resumed_at = LATER + timedelta(seconds=2)

    resume_rollout(rollout_id=rollout.pk, actor=command("ops"), reason="Meant so", now=resumed_at)
    watch_rollout(reload(rollout), now=resumed_at + timedelta(seconds=1))

    assert reload(rollout).status == Status.RUNNING
    remove_rule(
        rule_id=Rule.objects.get(origin="").pk,
        actor=command("ops"),
        reason="Not any more",
        now=resumed_at + timedelta(seconds=2),
    )
    watch_rollout(reload(rollout), now=resumed_at + timedelta(seconds=3))
    assert reload(rollout).status == Status.HELD


def test_watch__the_same_flag_in_another_environment__is_no_business_of_this_rollout(
    world: World, rollout: Rollout
) -> None:
    other = make_environment()
    switch_on(flag_id=world.flags[0].pk, environment_id=other.pk, actor=command("ops"), reason="Elsewhere", now=LATER)

    watch_rollout(rollout, now=LATER + timedelta(seconds=1))

    assert reload(rollout).status == Status.RUNNING


def test_watch__the_rollouts_own_rollback_by_a_person__is_not_by_hand(world: World, rollout: Rollout) -> None:
    mia = _mia()
    roll_back(
        rollout_id=rollout.pk,
        flag_ids=[world.flags[0].pk],
        trigger=Trigger.MANUAL,
        actor=mia,
        reason="Wrong prices",
        now=LATER,
    )
    resume_rollout(rollout_id=rollout.pk, actor=mia, reason="Others go on", now=LATER + timedelta(seconds=1))

    watch_rollout(reload(rollout), now=LATER + timedelta(seconds=2))

    assert reload(rollout).status == Status.RUNNING


def test_watch__a_rolled_back_flag_switched_on_again__holds(world: World, rollout: Rollout) -> None:
    roll_back(
        rollout_id=rollout.pk,
        flag_ids=[world.flags[0].pk],
        trigger=Trigger.MANUAL,
        actor=command("ops"),
        reason="Wrong prices",
        now=LATER,
    )
    resume_rollout(rollout_id=rollout.pk, actor=command("ops"), reason="Go", now=LATER + timedelta(seconds=1))
    switch_on(
        flag_id=world.flags[0].pk,
        environment_id=world.environment.pk,
        actor=command("ops"),
        reason="It is fine",
        now=LATER + timedelta(seconds=2),
    )

    watch_rollout(reload(rollout), now=LATER + timedelta(seconds=3))

    assert reload(rollout).held_code == "flag_switched_by_hand"


def _complain(world: World, numbers: range, *, flag: int | None = None) -> None:
    for number in numbers:
        log_complaint(
            environment_id=world.environment.pk,
            site_id=world.sites[0].pk,
            flag_id=flag or world.flags[0].pk,
            text=f"The price of article {number} is wrong",
            severity="annoying",
            reporter=f"cashier {number}",
            actor=command("support"),
            now=LATER,
        )


def test_watch__too_many_complaints_and_the_rollout_moved_on_meanwhile__holds_all_the_same(
    world: World, rollout: Rollout
) -> None:
    _complain(world, range(11))
    stale = reload(rollout)
    Rollout.objects.filter(pk=rollout.pk).update(epoch=stale.epoch + 1)

    watch_rollout(stale, now=LATER + timedelta(seconds=1))

    held = reload(rollout)
    assert (held.status, held.held_code) == (Status.HELD, "complaint_limit")
    assert Event.objects.filter(kind="complaint_limit_reached").count() == 1
