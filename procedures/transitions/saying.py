"""What is said of an item: by a person with a proof, or by the program with what it saw."""

from collections.abc import Mapping
from datetime import datetime
from math import ceil

from django.db import transaction

from core.actors import RECOVERY, Actor
from core.errors import InvalidInput, NotAllowed, Refusal
from core.history import recorded
from core.versions import check_version
from procedures.domain.checklists import ItemState, Stage, can_override
from procedures.models import ProcedureItem
from procedures.seen import Seen, find_looking

SEEN = "Seen by the program"


@transaction.atomic
def say(
    *, item_id: int, state: ItemState, actor: Actor, reason: str, now: datetime, seen: int | None = None
) -> ProcedureItem:
    """Keep what a person says of an item; the reason is its proof. What the program saw is not theirs to say.

    `seen`: the version that the person's page showed.
    """
    item = _get_locked(item_id)
    if actor.user_id is None:
        raise NotAllowed("said_by_no_person")
    check_version(item, seen)
    if item.is_automatic and item.state != ItemState.OPEN and item.data:
        raise Refusal("item_is_the_programs")
    _check_not_pending(item, now=now)
    if state == ItemState.OVERRIDDEN and not can_override(Stage(item.stage)):
        raise InvalidInput("item_not_overridable")
    with recorded(actor=actor, reason=reason, now=now) as recording:
        item.state, item.data = state, {}
        item.said_by, item.said_at, item.proof = actor.label, now, recording.reason
        item.save()
    return item


@transaction.atomic
def note_seen(*, procedure_id: int, seen: Mapping[str, Seen], now: datetime) -> int:
    """Keep what the program saw of the items that it fills; return how many changed.

    What it finds stands before what a person said, whose proof stays; what it cannot tell leaves theirs as it is.
    """
    changed = 0
    for item in ProcedureItem.objects.select_for_update().filter(procedure=procedure_id, is_automatic=True):
        found = seen.get(item.code)
        is_persons = item.state != ItemState.OPEN and not item.data
        if (
            found is None
            or (is_persons and found.state == ItemState.OPEN)
            or (item.state, item.data) == (found.state, found.data)
        ):
            continue
        with recorded(actor=RECOVERY, reason=SEEN, now=now):
            if item.state != found.state or item.said_at is None:
                item.said_at = now
            item.state, item.data, item.said_by = found.state, found.data, RECOVERY.label
            item.save()
        changed += 1
    return changed


def _check_not_pending(item: ProcedureItem, *, now: datetime) -> None:
    """Refuse what the program itself will still find out, and say when it does."""
    if not item.is_automatic:
        return
    procedure = item.procedure
    looking = find_looking(procedure, code=item.code)
    if looking is not None:
        raise Refusal("item_comes_with_operation", operation=looking.pk)
    if item.code == "metrics_back" and procedure.ended_at is None and now < procedure.watched_until:
        minutes = ceil((procedure.watched_until - now).total_seconds() / 60)
        raise Refusal("item_comes_with_watch", minutes=minutes)


def _get_locked(item_id: int) -> ProcedureItem:
    item = ProcedureItem.objects.select_for_update(of=("self",)).select_related("procedure").filter(pk=item_id).first()
    if item is None:
        raise Refusal("item_unknown")
    return item
