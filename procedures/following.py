"""Follows procedures: opens them, looks, and ends them with their watch."""

import logging
from datetime import datetime

from django.db import DatabaseError

from procedures.models import Procedure
from procedures.queries import compare_figures, list_open, list_unopened_operations, list_unopened_rollbacks
from procedures.seen import is_over, look
from procedures.transitions.opening import open_for_operation, open_for_rollback
from procedures.transitions.saying import note_seen
from procedures.transitions.watching import note_figures

log = logging.getLogger(__name__)


def open_new(*, now: datetime) -> int:
    """Open a procedure for every rollback without one; return how many rollbacks were looked at."""
    rollbacks, operations = list(list_unopened_rollbacks(now=now)), list(list_unopened_operations(now=now))
    for rollback in rollbacks:
        open_for_rollback(rollback, now=now)
    for operation in operations:
        open_for_operation(operation, now=now)
    return len(rollbacks) + len(operations)


def follow_all(*, now: datetime) -> int:
    """Look at every open procedure; return how many. One that fails does not stop the others."""
    followed = 0
    for procedure in list_open():
        try:
            follow(procedure, now=now)
            followed += 1
        except DatabaseError:
            log.exception("procedure %s: looked at again later", procedure.pk)
    return followed


def follow(procedure: Procedure, *, now: datetime) -> Procedure:
    """Take the figures anew, fill what the program can see, and end it once its watch is over."""
    operations = [part.operation for part in procedure.parts.select_related("operation")]
    done_at = procedure.done_at
    if done_at is None and is_over(operations):
        done_at = max(one.ended_at for one in operations if one.ended_at is not None)
    procedure = note_figures(
        procedure_id=procedure.pk, figures=compare_figures(procedure, now=now), done_at=done_at, now=now
    )
    note_seen(procedure_id=procedure.pk, seen=look(procedure, now=now), now=now)
    return procedure
