"""The states of a measure: done by its owner, verified by somebody else."""

from collections.abc import Mapping
from enum import StrEnum


class MeasureState(StrEnum):
    OPEN = "open"
    DONE = "done"
    VERIFIED = "verified"
    DROPPED = "dropped"


EDGES: Mapping[MeasureState, frozenset[MeasureState]] = {
    MeasureState.OPEN: frozenset({MeasureState.DONE, MeasureState.DROPPED}),
    MeasureState.DONE: frozenset({MeasureState.OPEN, MeasureState.VERIFIED}),
    MeasureState.VERIFIED: frozenset(),
    MeasureState.DROPPED: frozenset(),
}

#: While something is left to do: by the owner, or by whoever verifies.
PENDING = (MeasureState.OPEN, MeasureState.DONE)
