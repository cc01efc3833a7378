"""The states of a rollout and the edges between them (design §4)."""

from collections.abc import Mapping
from enum import StrEnum


class Status(StrEnum):
    DRAFT = "draft"
    AWAITING_APPROVAL = "awaiting_approval"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    HELD = "held"
    COMPLETED = "completed"
    ROLLED_BACK = "rolled_back"
    CANCELLED = "cancelled"


EDGES: Mapping[Status, frozenset[Status]] = {
    Status.DRAFT: frozenset({Status.AWAITING_APPROVAL, Status.SCHEDULED, Status.CANCELLED}),
    Status.AWAITING_APPROVAL: frozenset({Status.SCHEDULED, Status.DRAFT, Status.CANCELLED}),
    Status.SCHEDULED: frozenset({Status.RUNNING, Status.CANCELLED}),
    Status.RUNNING: frozenset({Status.PAUSED, Status.HELD, Status.COMPLETED, Status.ROLLED_BACK}),
    Status.PAUSED: frozenset({Status.RUNNING, Status.ROLLED_BACK}),
    Status.HELD: frozenset({Status.RUNNING, Status.ROLLED_BACK}),
    Status.ROLLED_BACK: frozenset({Status.DRAFT}),
    Status.COMPLETED: frozenset(),
    Status.CANCELLED: frozenset(),
}

#: The scheduler does its steps when they are due.
DRIVEN = frozenset({Status.SCHEDULED, Status.RUNNING})
#: It has begun and not ended: something may be on for somebody.
UNDER_WAY = frozenset({Status.RUNNING, Status.PAUSED, Status.HELD})
#: Its dates are a promise.
PROMISED = UNDER_WAY | {Status.SCHEDULED}
#: Nothing happens of itself any more.
ENDED = frozenset({Status.COMPLETED, Status.ROLLED_BACK, Status.CANCELLED})
