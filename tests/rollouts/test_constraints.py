"""What the database itself refuses of a rollout's rows."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Model

from core.actors import command
from rollouts.models import Phase, Rollback, Rollout, RolloutEvent, RolloutFlag, Step, Trigger
from rollouts.transitions import roll_back
from tests.factories.world import DAY, NOW, make_rehearsal, make_world, play

pytestmark = pytest.mark.django_db


@pytest.fixture
def rollout() -> Rollout:
    """A rehearsal of whose flags one was taken back."""
    world = make_world()
    rollout = make_rehearsal(world)
    play(world, rollout, start=NOW, seconds=DAY)
    roll_back(
        rollout_id=rollout.pk,
        flag_ids=[world.flags[0].pk],
        trigger=Trigger.MANUAL,
        actor=command("mia"),
        reason="By hand",
        now=NOW + timedelta(seconds=DAY),
    )
    return rollout


@pytest.mark.parametrize(
    ("model", "values", "name"),
    [
        (Rollout, {"status": "lost", "held_code": ""}, "rollouts_status_known"),
        (Rollout, {"ended_at": NOW}, "rollouts_ended_when"),
        (Rollout, {"status": "completed", "held_code": ""}, "rollouts_ended_when"),
        (Rollout, {"held_code": ""}, "rollouts_held_says_why"),
        (RolloutFlag, {"rolled_back_at": None, "acknowledged_at": NOW}, "rollouts_acknowledged_rollback"),
        (RolloutFlag, {"is_active": True, "rolled_back_at": NOW}, "rollouts_active_not_rolled_back"),
        (Phase, {"kind": "party"}, "rollouts_phase_kind_known"),
        (Phase, {"status": "lost"}, "rollouts_phase_status_known"),
        (Phase, {"first_day": 9, "last_day": 8}, "rollouts_phase_days_forward"),
        (Step, {"status": "lost", "done_at": None}, "rollouts_step_status_known"),
        (Step, {"status": "planned", "done_at": NOW}, "rollouts_step_done_when"),
        (Rollback, {"scope": "some"}, "rollouts_rollback_scope_known"),
        (Rollback, {"trigger": "mood"}, "rollouts_rollback_trigger_known"),
        (Rollback, {"reason": ""}, "rollouts_rollback_says_why"),
    ],
)
def test_rows__impossible_values__are_refused(
    rollout: Rollout, model: type[Model], values: dict[str, Any], name: str
) -> None:
    rows = model._default_manager.filter(**({"pk": rollout.pk} if model is Rollout else {"rollout": rollout}))
    assert rows.exists()

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        rows.update(**values)


def test_event__of_an_unknown_kind_of_actor__is_refused(rollout: Rollout) -> None:
    values = {"kind": "paused", "at": NOW, "actor_label": "mia", "reason": "By hand"}

    with pytest.raises(IntegrityError, match="rollouts_event_actor_known"), transaction.atomic():
        RolloutEvent.objects.create(rollout=rollout, actor_kind="ghost", **values)
