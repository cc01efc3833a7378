"""When somebody who complained is called back, and how often: one call for one event, whatever told us of its end."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class CallState(StrEnum):
    DUE = "due"
    NOT_REACHED = "not_reached"
    TOLD = "told"
    NOT_NEEDED = "not_needed"


EDGES: Mapping[CallState, frozenset[CallState]] = {
    CallState.DUE: frozenset({CallState.NOT_REACHED, CallState.TOLD, CallState.NOT_NEEDED}),
    CallState.NOT_REACHED: frozenset({CallState.NOT_REACHED, CallState.TOLD, CallState.NOT_NEEDED}),
    CallState.TOLD: frozenset({CallState.DUE, CallState.NOT_REACHED}),
    CallState.NOT_NEEDED: frozenset({CallState.DUE, CallState.NOT_REACHED}),
}

#: Somebody still waits for the call.
OPEN = (CallState.DUE, CallState.NOT_REACHED)
#: Who complained so long before something was taken back is not called about it.
LOOK_BACK = timedelta(days=14)
#: A restoration of longer ago is nobody's news, also where the complaint is linked to it only now.
WITHIN = timedelta(days=7)


@dataclass(frozen=True)
class Cause:
    """Why a call is due: a rollback, or an incident that is restored, with the rollbacks that belong to it."""

    rollback_ids: frozenset[int] = frozenset()
    incident_id: int | None = None


@dataclass(frozen=True)
class KnownCall:
    """A call of one complaint that is due already, or was made: its state, and what it was due by."""

    number: int
    state: CallState
    rollback_ids: frozenset[int]
    incident_ids: frozenset[int]


def find_call(cause: Cause, *, known: Iterable[KnownCall]) -> KnownCall | None:
    """Return the call that covers a cause, None where another one is due.

    One that is still open covers all. That something was taken back is told once. A rollback and the first
    restoration of its incident are one event: who was told of the one is not called for the other. An incident
    that was opened again and restored again is news for everybody.
    """
    calls = list(known)
    is_open = next((call for call in calls if call.state in OPEN), None)
    if is_open is not None:
        return is_open
    if cause.incident_id is None:
        return next((call for call in calls if call.rollback_ids), None)
    if any(cause.incident_id in call.incident_ids for call in calls):
        return None
    return next((call for call in calls if cause.rollback_ids & call.rollback_ids), None)


def state_before(tries: int) -> CallState:
    """Return the state that an undone call is in again."""
    return CallState.NOT_REACHED if tries else CallState.DUE
