"""Drives operations: a worker takes one, does its next step, notes it, until it ends or a person is needed.

A session lock of PostgreSQL says that somebody drives an operation: it ends with the driver's connection, so a killed
worker's operation is free in the same moment. A step that was running then is done again from its beginning.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from time import monotonic
from typing import Any

from django.db import DatabaseError, Error, close_old_connections, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q

from core import clock
from recovery.domain.lifecycle import CALM, DRIVEN, Kind, Status, StepStatus
from recovery.domain.scrubbing import Clipped
from recovery.errors import Failure
from recovery.jobs import Job, Plan, StepSkipped, WordNeeded
from recovery.models import Operation, OperationStep
from recovery.plans import PLANS
from recovery.transitions.stepping import (
    UNDOING,
    TakenOver,
    ask_for_word,
    begin_step,
    end_operation,
    end_step,
    fail_step,
    keep_state,
    keep_undone,
    settle,
)

log = logging.getLogger(__name__)

#: First half of an advisory lock's key; the second is the operation.
DRIVE_LOCK = 7_140_206
SHOWN_EVERY_SECONDS = 0.5
#: Of a worker's threads, so many at most wait for programs of operations: due steps of rollouts need the others.
#: Rollbacks have a place that drills and restore points cannot take.
_places = threading.BoundedSemaphore(2)
_calm_places = threading.BoundedSemaphore(1)
UNHURRIED = (*CALM, Kind.LET_GO)


def list_due(*, now: datetime) -> list[int]:
    """Return the operations that wait for a driver, rollbacks first."""
    due = Operation.objects.filter(status__in=[str(s) for s in DRIVEN]).filter(
        Q(next_attempt_at=None) | Q(next_attempt_at__lte=now)
    )
    found = due.order_by("pk").values_list("pk", "kind")
    return [pk for pk, _kind in sorted(found, key=lambda row: (row[1] != Kind.ROLL_BACK, row[1] in UNHURRIED, row[0]))]


def drive_due() -> int:
    """Drive what is due, one after the other, as far as this worker has places; return how many were driven.

    What cannot even be noted of one must not keep the others waiting.
    """
    driven = 0
    for pk in list_due(now=clock.now()):
        try:
            driven += _drive_in_a_place(pk)
        except DatabaseError:
            log.exception("operation %s: driven again later", pk)
    return driven


def _drive_in_a_place(operation_id: int) -> bool:
    kind = Operation.objects.filter(pk=operation_id).values_list("kind", flat=True).get()
    place = _calm_places if kind in UNHURRIED else _places
    if not place.acquire(blocking=False):
        return False
    try:
        return drive(operation_id)
    finally:
        place.release()


def drive(operation_id: int) -> bool:
    """Drive one operation until it ends, fails, waits, or is to be tried again later; False where another drives it."""
    with hold(operation_id) as is_held:
        if not is_held:
            return False
        while _drive_once(operation_id):
            pass
    return True


@contextmanager
def hold(number: int, *, lock: int = DRIVE_LOCK) -> Iterator[bool]:
    """Hold an operation for this driver alone, on a connection of its own; False where another one holds it.

    `lock`: first half of the key, where it is something else than an operation.
    """
    connection = connections["default"].copy()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [lock, number])
            is_held = bool(cursor.fetchone()[0])
        try:
            yield is_held
        finally:
            if is_held:
                _let_go(connection, lock, number)
    finally:
        connection.close()


def _let_go(connection: BaseDatabaseWrapper, lock: int, number: int) -> None:
    """Give a lock back before its connection ends: the server notices the end of one only a moment later."""
    with suppress(Error), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [lock, number])


def _drive_once(operation_id: int) -> bool:
    """Do what comes next; True where there is more to do at once."""
    operation = Operation.objects.select_related("target__environment").get(pk=operation_id)
    if operation.status not in DRIVEN:
        return False
    if operation.next_attempt_at is not None and operation.next_attempt_at > clock.now():
        return False
    plan = PLANS[Kind(operation.kind)](operation.target, operation.wish)
    job = Job(operation.pk, operation.target, operation.wish, dict(operation.state))
    if operation.status == Status.ABORTING or operation.state.get(UNDOING):
        _undo(plan, job)
        return False
    step = operation.steps.exclude(status__in=[StepStatus.DONE, StepStatus.SKIPPED]).first()
    if step is None:
        end_operation(operation_id=operation.pk, status=Status.SUCCEEDED, state=job.state, now=clock.now())
        return False
    return _do_step(step, plan=plan, job=job)


def _do_step(step: OperationStep, *, plan: Plan, job: Job) -> bool:
    begun = begin_step(step_id=step.pk, now=clock.now())
    if begun is None:
        # Somebody had it aborted meanwhile.
        return True
    shown = Shown(step.pk)
    job.say = shown.add
    said: dict[str, Any] = {"step_id": step.pk, "attempt": begun.attempts}
    job.keep = lambda: keep_state(**said, state=job.state, now=clock.now())
    try:
        return _run_step(step, plan=plan, job=job, shown=shown, said=said)
    except TakenOver:
        log.warning("operation %s, step %s: another driver has it", job.operation_id, step.code)
        return False


def _run_step(step: OperationStep, *, plan: Plan, job: Job, shown: "Shown", said: dict[str, Any]) -> bool:
    try:
        proof = plan.find(step.code).run(job)
    except WordNeeded as needed:
        question = {"step": step.code, "code": needed.code, "data": needed.data}
        ask_for_word(**said, question=question, output=str(shown), state=job.state, now=_later())
        return False
    except StepSkipped as skipped:
        proof = {"skipped": skipped.code, **skipped.data}
        end_step(**said, status=StepStatus.SKIPPED, output=str(shown), proof=proof, state=job.state, now=_later())
        return True
    except Failure as failure:
        return _fail(failure, step=step, plan=plan, job=job, shown=shown, said=said)
    except (DatabaseError, TakenOver):
        # Our own database: nothing can be noted now, and the step is done again once it is back.
        raise
    except Exception as fault:
        log.exception("operation %s, step %s", job.operation_id, step.code)
        ours = Failure("fault", output=f"{type(fault).__name__}: {fault}")
        return _fail(ours, step=step, plan=plan, job=job, shown=shown, said=said)
    job.state["is_past"] = plan.is_past(job)
    end_step(**said, status=StepStatus.DONE, output=str(shown), proof=proof, state=job.state, now=_later())
    return True


def _fail(failure: Failure, *, step: OperationStep, plan: Plan, job: Job, shown: "Shown", said: dict[str, Any]) -> bool:
    told = {"step": step.code, **_tell(failure)}
    job.state |= {"is_past": plan.is_past(job), "fault": failure.code}
    is_tried_again = fail_step(
        **said, failure=told, is_passing=failure.is_passing, output=str(shown), state=job.state, now=_later()
    )
    # Putting back is what comes next, and so it is where the operation was aborted while the step ran.
    return not is_tried_again or Operation.objects.filter(pk=job.operation_id, status=Status.ABORTING).exists()


def _undo(plan: Plan, job: Job) -> None:
    """Put back what can be, unless the point of no return is behind, and note how that went."""
    failure: Failure | None = None
    job.keep = lambda: keep_undone(operation_id=job.operation_id, state=job.state, now=clock.now())
    if not plan.is_past(job):
        try:
            job.state["undone"] = plan.undo(job)
        except Failure as fault:
            failure = fault
            job.state["undone"] = _tell(fault)
    # Putting back may find that the point of no return was passed, and only the answer lost.
    job.state["is_past"] = plan.is_past(job)
    settle(
        operation_id=job.operation_id,
        state=job.state,
        is_undone=failure is None,
        is_passing=failure is not None and failure.is_passing,
        now=_later(),
    )


def _tell(failure: Failure) -> dict[str, Any]:
    # PostgreSQL's JSON knows no null character.
    return {"code": failure.code, "data": failure.data, "output": failure.output.replace("\x00", "�")}


def _later() -> datetime:
    """Return the moment a step ended; a program may have run for long, and the connection have gone meanwhile."""
    if not connections["default"].in_atomic_block:
        close_old_connections()
    return clock.now()


class Shown:
    """A step's output as the page shows it while it runs: written now and then, bounded."""

    def __init__(self, step_id: int) -> None:
        self._step_id = step_id
        self._kept = Clipped()
        self._next_at = monotonic()

    def add(self, text: str) -> None:
        """Take more output in, and show it where some time has passed."""
        self._kept.add(text)
        if monotonic() < self._next_at:
            return
        self._next_at = monotonic() + SHOWN_EVERY_SECONDS
        try:
            OperationStep.objects.filter(pk=self._step_id).update(output=str(self))
        except DatabaseError:
            # Only the picture: the program that runs must not end for it.
            close_old_connections()

    def __str__(self) -> str:
        # PostgreSQL's text knows no null character.
        return str(self._kept).replace("\x00", "�")
