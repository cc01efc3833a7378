"""The states of an investigation, what asks for one, and how long it may take."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from health.domain import query_lane
from health.domain.complaints import Code
from health.domain.guardrail import FLAG_LANES


class State(StrEnum):
    OPEN = "open"
    DISMISSED = "dismissed"
    ROLLED_BACK = "rolled_back"


EDGES: Mapping[State, frozenset[State]] = {
    State.OPEN: frozenset({State.DISMISSED, State.ROLLED_BACK}),
    State.DISMISSED: frozenset(),
    State.ROLLED_BACK: frozenset(),
}

#: What an investigation is of: a rule of complaints, or a lane in mode investigate.
#: The lanes that may ask for one; all queries of one's own are one of them.
ASKING_LANES = (*FLAG_LANES, query_lane.LANE)
CODES = (*map(str, Code), *ASKING_LANES)
#: How long investigating may take.
LASTS = timedelta(hours=4)
