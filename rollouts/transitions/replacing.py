"""Puts a plan with other choices in the place of one that nothing has come of yet."""

from datetime import datetime
from typing import Any

from django.db import transaction

from core.actors import Actor
from core.errors import Refusal
from core.history import recorded
from rollouts.domain.lifecycle import Status
from rollouts.drawing import PlanRequest
from rollouts.models import Rollout
from rollouts.story import add_event
from rollouts.transitions.edit_rules import UNPROMISED
from rollouts.transitions.locking import get_locked_rollout, move
from rollouts.transitions.planning import plan_rollout


@transaction.atomic
def replace_plan(
    *,
    rollout_id: int,
    request: PlanRequest,
    actor: Actor,
    reason: str,
    now: datetime,
    seen_epoch: int | None = None,
) -> Rollout:
    """Return a new draft by other choices and cancel the one it replaces, whose approvals are not of it.

    Refuses what is scheduled: it is promised; a plan is edited, or cancelled, from there on.
    """
    old = get_locked_rollout(rollout_id, seen_epoch=seen_epoch)
    if old.status not in UNPROMISED:
        raise Refusal("plan_is_promised")
    new = plan_rollout(request=request, actor=actor, reason=reason, now=now)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        move(old, Status.CANCELLED, now=now)
        by: dict[str, Any] = {"actor": actor, "reason": recording.reason, "now": now}
        add_event(old, kind="replaced", data={"by": new.pk}, **by)
        add_event(old, kind="cancelled", **by)
        add_event(new, kind="replaces", data={"rollout": old.pk}, **by)
    return new
