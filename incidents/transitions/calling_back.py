"""What support says of its calls: told, not reached, not needed; and that it was pressed by mistake."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.domain.lifecycle import can_move
from core.errors import InvalidInput, Refusal
from core.history import check_reason, recorded
from core.reasons import write_reason
from incidents.domain.calling_back import EDGES, OPEN, CallState, state_before
from incidents.models import CallBack
from incidents.models.call_backs import MAX_NOTE_CHARACTERS
from incidents.transitions.locking import check_text

#: Told by one press: a shop's.
MOST_AT_ONCE = 200


@transaction.atomic
def mark_told(*, call_ids: Collection[int], actor: Actor, now: datetime) -> list[CallBack]:
    """Note that people were told; several of one shop by one call. What was settled meanwhile is refused."""
    if not call_ids or len(call_ids) > MOST_AT_ONCE:
        raise InvalidInput("calls_not_chosen", limit=MOST_AT_ONCE)
    calls = [_get_locked(number) for number in sorted(set(call_ids))]
    for call in calls:
        settle_call(call, CallState.TOLD, actor=actor, reason=write_reason("call_told"), note=call.note, now=now)
    return calls


@transaction.atomic
def mark_not_reached(*, call_id: int, actor: Actor, now: datetime, note: str = "") -> CallBack:
    """Note that nobody answered; it stays due. `note` is what whoever tries next should know."""
    call, note = _get_locked(call_id), check_text(note, limit=MAX_NOTE_CHARACTERS)
    if call.state not in OPEN:
        raise Refusal("call_settled_meanwhile", call=call_id)
    _check_move(call, CallState.NOT_REACHED)
    with recorded(actor=actor, reason=write_reason("call_not_reached"), now=now):
        call.state, call.tries, call.tried_at = CallState.NOT_REACHED, call.tries + 1, now
        call.note = note or call.note
        call.save()
    return call


@transaction.atomic
def mark_not_needed(*, call_id: int, actor: Actor, reason: str, now: datetime) -> CallBack:
    """Note that no call is needed, and why."""
    note = check_text(check_reason(reason), limit=MAX_NOTE_CHARACTERS)
    call = _get_locked(call_id)
    settle_call(call, CallState.NOT_NEEDED, actor=actor, reason=note, note=note, now=now)
    return call


@transaction.atomic
def undo_call(*, call_id: int, actor: Actor, now: datetime) -> CallBack:
    """Make a settled call due again: it was pressed by mistake."""
    call = _get_locked(call_id)
    state = state_before(call.tries)
    if call.state in OPEN:
        raise Refusal("call_settled_meanwhile", call=call_id)
    _check_move(call, state)
    if CallBack.objects.filter(complaint=call.complaint_id, state__in=OPEN).exists():
        raise Refusal("call_followed")
    with recorded(actor=actor, reason=write_reason("call_undone"), now=now):
        call.state, call.settled_at, call.settled_by_id, call.note = state, None, None, ""
        call.save()
    return call


def settle_call(call: CallBack, state: CallState, *, actor: Actor, reason: str, note: str, now: datetime) -> None:
    """End a locked call."""
    _check_move(call, state)
    with recorded(actor=actor, reason=reason, now=now):
        call.state, call.settled_at, call.settled_by_id, call.note = state, now, actor.user_id, note
        call.save()


def _get_locked(call_id: int) -> CallBack:
    call = CallBack.objects.select_for_update(of=("self",)).filter(pk=call_id).first()
    if call is None:
        raise InvalidInput("call_unknown", call=call_id)
    return call


def _check_move(call: CallBack, state: CallState) -> None:
    if not can_move(EDGES, start=CallState(call.state), end=state):
        raise Refusal("call_settled_meanwhile", call=call.pk)
