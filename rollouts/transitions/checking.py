"""Ticks off a phase's checklist, with a proof; takes a tick back."""

from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.errors import NotAllowed, Refusal
from core.history import recorded
from rollouts.domain.lifecycle import ENDED
from rollouts.models import CheckItem
from rollouts.story import add_event
from rollouts.transitions.locking import get_locked_rollout


@transaction.atomic
def tick_item(*, item_id: int, actor: Actor, reason: str, now: datetime) -> CheckItem:
    """Note that a checklist's item is done; the reason is its proof. Done already: the first proof stays."""
    item = _get_locked(item_id)
    if actor.user_id is None:
        raise NotAllowed("check_by_no_person")
    if item.done_at is not None:
        raise Refusal("changed_meanwhile")
    with recorded(actor=actor, reason=reason, now=now) as recording:
        item.done_at, item.done_by_id, item.proof = now, actor.user_id, recording.reason
        item.save()
        data = {"phase": item.phase.kind, "item": item.text}
        add_event(item.phase.rollout, kind="item_ticked", actor=actor, reason=recording.reason, now=now, data=data)
    return item


@transaction.atomic
def untick_item(*, item_id: int, actor: Actor, reason: str, now: datetime) -> CheckItem:
    """Take a tick back: the gate does not hold any more."""
    item = _get_locked(item_id)
    if item.done_at is None:
        raise Refusal("changed_meanwhile")
    with recorded(actor=actor, reason=reason, now=now) as recording:
        item.done_at, item.done_by_id, item.proof = None, None, ""
        item.save()
        data = {"phase": item.phase.kind, "item": item.text}
        add_event(item.phase.rollout, kind="item_unticked", actor=actor, reason=recording.reason, now=now, data=data)
    return item


def _get_locked(item_id: int) -> CheckItem:
    """Return an item under its rollout's lock; refuse one that is gone, or whose rollout has ended."""
    found = CheckItem.objects.select_related("phase").filter(pk=item_id).first()
    if found is None:
        raise Refusal("changed_meanwhile")
    rollout = get_locked_rollout(found.phase.rollout_id)
    if rollout.status in ENDED:
        raise Refusal("rollout_ended")
    return CheckItem.objects.select_related("phase__rollout__release", "phase__rollout__environment").get(pk=item_id)
