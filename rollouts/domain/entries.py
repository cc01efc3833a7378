"""What a thing on the calendar is: how it stands, from its rollout's state and its steps'. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from rollouts.domain.lifecycle import ENDED, Status


class EntryState(StrEnum):
    DRAFT = "draft"
    PLANNED = "planned"
    RUNNING = "running"
    PAUSED = "paused"
    HELD = "held"
    DONE = "done"
    CANCELLED = "cancelled"
    LEFT_OUT = "left_out"


#: A rollout in one of these says how what is still to come of it stands.
_SAID_BY_ROLLOUT = {
    Status.DRAFT: EntryState.DRAFT,
    Status.AWAITING_APPROVAL: EntryState.DRAFT,
    Status.PAUSED: EntryState.PAUSED,
    Status.HELD: EntryState.HELD,
}


@dataclass(frozen=True)
class Counts:
    """How many steps of an entry are still to come, done, and left out."""

    planned: int
    done: int
    skipped: int

    @property
    def total(self) -> int:
        return self.planned + self.done + self.skipped


def find_state(status: str, counts: Counts) -> EntryState:
    """Return how an entry stands; one that is done in part by a rollout that has ended is done."""
    if not counts.planned:
        return EntryState.DONE if counts.done else EntryState.LEFT_OUT
    if status in ENDED:
        return EntryState.DONE if counts.done else EntryState.CANCELLED
    running = EntryState.RUNNING if counts.done else EntryState.PLANNED
    return _SAID_BY_ROLLOUT.get(Status(status), running)
