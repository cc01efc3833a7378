"""Environment variables above a rollout: a step or rollback that nobody would see is held and said, not done."""

from datetime import timedelta

import pytest

from core.actors import command
from flags.domain.evaluation import Layer
from flags.explaining import explain_state
from rollouts.domain.lifecycle import Status
from rollouts.models import StepStatus, Trigger
from rollouts.transitions import resume_rollout, roll_back
from tests.factories.world import DAY, NOW, WHY, World, make_rehearsal, make_world, play, reload
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db

VARIABLE = "FLAG__STAGING__BUTTONS"
LATER = NOW + timedelta(seconds=DAY // 2)


@pytest.fixture
def world() -> World:
    return make_world()


def test_step__masked__is_held_and_goes_on_once_the_variable_is_gone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "off")
    rollout = make_rehearsal(world)
    play(world, rollout, start=NOW, seconds=DAY // 2)

    rollout = reload(rollout)
    assert (rollout.status, rollout.held_code) == (Status.HELD, "variable_masks")
    assert not rollout.steps.filter(status=StepStatus.DONE).exists()
    page = sign_in().get(f"/rollouts/{rollout.pk}/").content.decode()
    assert VARIABLE in page
    assert "nobody would see the change" in page

    monkeypatch.delenv(VARIABLE)
    resume_rollout(rollout_id=rollout.pk, actor=command("ops"), reason=WHY, now=LATER)
    play(world, rollout, start=LATER, seconds=DAY // 2)

    assert rollout.steps.filter(status=StepStatus.DONE, flag__key="buttons").exists()


def test_rollback__a_variable_says_on__is_off_all_the_same(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rollout = make_rehearsal(world)
    play(world, rollout, start=NOW, seconds=DAY // 2)
    monkeypatch.setenv(VARIABLE, "on")
    state = world.flags[0].states.select_related("flag", "environment").get(environment=world.environment)
    before = explain_state(state, {}).evaluation

    roll_back(rollout_id=rollout.pk, flag_ids=None, trigger=Trigger.MANUAL, actor=command("ops"), reason=WHY, now=LATER)

    state.refresh_from_db()
    after = explain_state(state, {}).evaluation
    assert before is not None
    assert after is not None
    assert (before.variant, before.layer) == ("on", Layer.VARIABLE)
    assert (after.variant, after.layer) == ("off", Layer.KILL_SWITCH)
    assert reload(rollout).status == Status.ROLLED_BACK
