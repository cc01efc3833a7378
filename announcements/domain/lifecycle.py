"""The states of an announcement and the edges between them."""

from collections.abc import Mapping
from enum import StrEnum


class Status(StrEnum):
    DRAFT = "draft"
    SCHEDULED = "scheduled"
    #: It is said: its outlets are at it.
    PUBLISHING = "publishing"
    PUBLISHED = "published"
    CORRECTED = "corrected"
    #: A draft that is given up, or something said that is taken back.
    WITHDRAWN = "withdrawn"


EDGES: Mapping[Status, frozenset[Status]] = {
    Status.DRAFT: frozenset({Status.SCHEDULED, Status.PUBLISHING, Status.WITHDRAWN}),
    Status.SCHEDULED: frozenset({Status.DRAFT, Status.PUBLISHING, Status.WITHDRAWN}),
    Status.PUBLISHING: frozenset({Status.PUBLISHED, Status.CORRECTED, Status.WITHDRAWN}),
    Status.PUBLISHED: frozenset({Status.PUBLISHING, Status.WITHDRAWN}),
    Status.CORRECTED: frozenset({Status.PUBLISHING, Status.WITHDRAWN}),
    Status.WITHDRAWN: frozenset(),
}

#: Said and not taken back.
SAID = frozenset({Status.PUBLISHING, Status.PUBLISHED, Status.CORRECTED})
#: Somebody looked at the number and confirmed it.
CONFIRMED = SAID | {Status.SCHEDULED}


class Act(StrEnum):
    """What a version of an announcement is: the first word, one put right, or its end."""

    FIRST = "first"
    CORRECTION = "correction"
    WITHDRAWAL = "withdrawal"


class RunState(StrEnum):
    """How far an outlet is with a version. Dropped: it was taken back before the outlet had said it."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"
    DROPPED = "dropped"


class Places(StrEnum):
    """At which sites an announcement is for people."""

    EVERYWHERE = "everywhere"
    SITES = "sites"
    FLAG = "flag"
    NOWHERE = "nowhere"
