"""Environment variables above a rollout's flags: a step that they mask is held and said, never called done.

A rollback is not masked: it sets the kill switch, which stands above every variable but `off` (design §3).
"""

from datetime import datetime

from core.actors import SCHEDULER
from core.reasons import write_reason
from flags.overrides import list_overrides
from rollouts.models import Rollout, Step
from rollouts.transitions.driving import hold_rollout

CODE = "variable_masks"


def hold_if_masked(rollout: Rollout, step: Step, *, now: datetime) -> bool:
    """Hold a rollout whose due step nobody would see, since a variable decides; True where it was held."""
    if not rollout.rollout_flags.filter(flag_id=step.flag_id, is_active=True).exists():
        return False
    key = step.flag.key
    override = list_overrides(environment_id=rollout.environment_id, flag_ids=[step.flag_id]).get(key)
    if override is None:
        return False
    hold_rollout(
        rollout_id=rollout.pk,
        code=CODE,
        data={"flags": [key], "variables": [override.variable]},
        actor=SCHEDULER,
        reason=write_reason(CODE, variable=override.variable, flag=key),
        now=now,
    )
    return True
