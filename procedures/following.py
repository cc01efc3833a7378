"""Follows procedures: opens them, looks, and ends them with their watch."""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial

from procedures.models import Procedure
from procedures.queries import compare_figures, list_open, list_unopened_operations, list_unopened_rollbacks
from procedures.seen import find_end, has_taken_back, look
from procedures.transitions.opening import open_for_operation, open_for_rollback
from procedures.transitions.saying import note_seen
from procedures.transitions.watching import note_figures

log = logging.getLogger(__name__)


def open_new(*, now: datetime) -> int:
    """Open a procedure for every rollback without one; return how many rollbacks were looked at."""
    rollbacks, operations = list(list_unopened_rollbacks(now=now)), list(list_unopened_operations(now=now))
    for rollback in rollbacks:
        _guard(partial(open_for_rollback, rollback, now=now), what=f"rollback {rollback.pk}")
    for operation in operations:
        _guard(partial(open_for_operation, operation, now=now), what=f"operation {operation.pk}")
    return len(rollbacks) + len(operations)


def follow_all(*, now: datetime) -> int:
    """Look at every open procedure; return how many. One that fails does not stop the others."""
    return sum(
        _guard(partial(follow, procedure, now=now), what=f"procedure {procedure.pk}") for procedure in list_open()
    )


def follow(procedure: Procedure, *, now: datetime) -> Procedure:
    """Take the figures anew, fill what the program can see, and end it once its watch is over."""
    operations = [part.operation for part in procedure.parts.select_related("operation")]
    # Only what is found now: what was read before may be another's by the time that it is written.
    newly = find_end(operations) if procedure.done_at is None else None
    is_back = has_taken_back(procedure, operations)
    figures = compare_figures(procedure, done_at=(newly or procedure.done_at) if is_back else None, now=now)
    procedure = note_figures(procedure_id=procedure.pk, figures=figures, done_at=newly, now=now)
    note_seen(procedure_id=procedure.pk, seen=look(procedure, now=now), now=now)
    return procedure


def _guard(act: Callable[[], object], *, what: str) -> bool:
    """Do it and tell whether it went well; what goes wrong is logged, and is this one's alone."""
    try:
        act()
    except Exception:
        log.exception("%s: looked at again later", what)
        return False
    return True
