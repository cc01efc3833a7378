"""The states of an investigation of complaints, and how long one may take."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum


class State(StrEnum):
    OPEN = "open"
    DISMISSED = "dismissed"
    ROLLED_BACK = "rolled_back"


EDGES: Mapping[State, frozenset[State]] = {
    State.OPEN: frozenset({State.DISMISSED, State.ROLLED_BACK}),
    State.DISMISSED: frozenset(),
    State.ROLLED_BACK: frozenset(),
}

#: How long investigating complaints may take.
LASTS = timedelta(hours=4)
