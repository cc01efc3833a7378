"""The states of an operation and of a restore point, and the edges between them."""

from collections.abc import Mapping
from enum import StrEnum


class Status(StrEnum):
    """Of an operation. Waiting: for a person's word; failed: for a person to have it resumed or aborted."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    FAILED = "failed"
    ABORTING = "aborting"
    SUCCEEDED = "succeeded"
    ABORTED = "aborted"


EDGES: Mapping[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.RUNNING, Status.ABORTING}),
    Status.RUNNING: frozenset({Status.WAITING, Status.FAILED, Status.SUCCEEDED, Status.ABORTING}),
    Status.WAITING: frozenset({Status.RUNNING, Status.ABORTING}),
    # Past the point of no return it is left as it stands, or another rollback takes over.
    Status.FAILED: frozenset({Status.RUNNING, Status.ABORTING, Status.ABORTED}),
    Status.ABORTING: frozenset({Status.ABORTED, Status.FAILED}),
    Status.SUCCEEDED: frozenset(),
    Status.ABORTED: frozenset(),
}

#: A worker drives these on its own.
DRIVEN = (Status.QUEUED, Status.RUNNING, Status.ABORTING)
#: The target is taken: nothing else is done to it meanwhile.
UNFINISHED = (Status.QUEUED, Status.RUNNING, Status.WAITING, Status.FAILED, Status.ABORTING)


class StepStatus(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


class PointStatus(StrEnum):
    """Of a restore point. Verified: read to its last byte and stored; broken: found so since."""

    TAKING = "taking"
    VERIFIED = "verified"
    BROKEN = "broken"
    EXPIRED = "expired"


POINT_EDGES: Mapping[PointStatus, frozenset[PointStatus]] = {
    PointStatus.TAKING: frozenset({PointStatus.VERIFIED, PointStatus.BROKEN}),
    PointStatus.VERIFIED: frozenset({PointStatus.VERIFIED, PointStatus.BROKEN, PointStatus.EXPIRED}),
    # Its own operation may dump anew.
    PointStatus.BROKEN: frozenset({PointStatus.TAKING, PointStatus.EXPIRED}),
    PointStatus.EXPIRED: frozenset(),
}


class DrillStatus(StrEnum):
    """Of a drill. Failed: something of it did not go as it must, or took longer than it may."""

    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"


class Kind(StrEnum):
    """What an operation does to its target."""

    TAKE = "take"
    VERIFY = "verify"
    DEPLOY = "deploy"
    ROLL_BACK = "roll_back"
    SWAP_BACK = "swap_back"
    LET_GO = "let_go"
    REHEARSE = "rehearse"
    DRILL = "drill"


#: These change nothing of production: a rollback does not wait for them, they give way.
CALM = (Kind.TAKE, Kind.VERIFY, Kind.REHEARSE, Kind.DRILL)


#: The ways back out of a failed operation that is past its point of no return.
WAYS_BACK = (Kind.ROLL_BACK, Kind.SWAP_BACK)


def can_abort(status: Status, *, kind: Kind, is_past: bool, is_begun: bool) -> bool:
    """Tell whether an operation can be given up as it stands, and what it changed be put back.

    `is_past`: it is past its point of no return; `is_begun`: production has noticed it. While it runs, only one that
    changes nothing of production can be given up, or a rollback that has not begun to.
    """
    if Status.ABORTING not in EDGES[status] or is_past:
        return False
    return status != Status.RUNNING or kind in CALM or (kind in WAYS_BACK and not is_begun)


def can_leave(status: Status, *, is_past: bool) -> bool:
    """Tell whether an operation can be ended as it stands: it failed where nothing can be put back any more."""
    return status == Status.FAILED and is_past
