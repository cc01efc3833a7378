"""The states of an investigation, what asks for one, and how long it may take."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from health.domain import alert_lane, error_rate, performance
from health.domain.complaints import Code


class State(StrEnum):
    OPEN = "open"
    DISMISSED = "dismissed"
    ROLLED_BACK = "rolled_back"


EDGES: Mapping[State, frozenset[State]] = {
    State.OPEN: frozenset({State.DISMISSED, State.ROLLED_BACK}),
    State.DISMISSED: frozenset(),
    State.ROLLED_BACK: frozenset(),
}

#: The lanes that ask for one in mode investigate, by their own names.
LANES = (error_rate.LANE, performance.LANE, alert_lane.LANE)
#: What an investigation is of: a rule of complaints, or a lane.
CODES = (*map(str, Code), *LANES)
#: How long investigating may take.
LASTS = timedelta(hours=4)
