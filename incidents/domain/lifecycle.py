"""The states of an incident and the edges between them."""

from collections.abc import Mapping
from enum import StrEnum


class Status(StrEnum):
    OPEN = "open"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    CLOSED = "closed"
    #: One event with another incident, whose clock counts; this one counts in no report.
    MERGED = "merged"


EDGES: Mapping[Status, frozenset[Status]] = {
    Status.OPEN: frozenset({Status.MITIGATED, Status.RESOLVED, Status.MERGED}),
    Status.MITIGATED: frozenset({Status.OPEN, Status.RESOLVED, Status.MERGED}),
    Status.RESOLVED: frozenset({Status.OPEN, Status.CLOSED}),
    Status.CLOSED: frozenset(),
    Status.MERGED: frozenset({Status.OPEN}),
}

#: While its clock runs.
RUNNING = (Status.OPEN, Status.MITIGATED)
