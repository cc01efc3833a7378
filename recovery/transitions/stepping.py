"""Moves an operation from step to step: what its driver writes."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from core.actors import RECOVERY
from core.domain.lifecycle import check_move
from core.history import recorded
from recovery.domain.lifecycle import EDGES, Status, StepStatus
from recovery.models import Operation, OperationStep
from recovery.transitions.telling import tell_operation

BEGUN = "Operation begun"
STEP_DONE = "Step done"
STEP_FAILED = "Step failed"
STEP_DELAYED = "Step tried again later"
WORD_NEEDED = "A person's word is needed"
OVER = "Operation over"
TAKEN_BACK = "Operation aborted"
STEP_SKIPPED = "Step not needed"
STEP_NOTED = "Step under way"
#: In an operation's state: a step failed for good, and what was changed is being put back.
UNDOING = "is_undoing"
#: A fault that passes is waited out: after 5, 10, 20, 40 seconds; then a person decides.
MOST_ATTEMPTS = 5
FIRST_PAUSE = timedelta(seconds=5)


class TakenOver(Exception):
    """Another driver has the step by now: what this one did is not noted."""


def get_locked_operation(operation_id: int) -> Operation:
    """Return an operation, locked until the transaction ends."""
    return Operation.objects.select_for_update(of=("self",)).select_related("target").get(pk=operation_id)


def move(operation: Operation, status: Status) -> None:
    """Give a locked operation another state, where an edge leads to it."""
    if operation.status != status:
        check_move(EDGES, start=Status(operation.status), end=status)
        operation.status = status


@transaction.atomic
def begin_step(*, step_id: int, now: datetime) -> OperationStep | None:
    """Note that a step runs; None where the operation is being aborted: then none begins any more."""
    step = OperationStep.objects.select_for_update().get(pk=step_id)
    operation = get_locked_operation(step.operation_id)
    if operation.status == Status.ABORTING:
        return None
    if operation.status != Status.RUNNING:
        with recorded(actor=RECOVERY, reason=BEGUN, now=now):
            move(operation, Status.RUNNING)
            operation.save()
    step.status, step.attempts = StepStatus.RUNNING, step.attempts + 1
    step.started_at, step.ended_at, step.output = now, None, ""
    step.save()
    return step


@transaction.atomic
def end_step(
    *,
    step_id: int,
    attempt: int,
    status: StepStatus,
    output: str,
    proof: dict[str, Any],
    state: dict[str, Any],
    now: datetime,
) -> None:
    """Note that a step is done or was not needed, with what proves it."""
    step, operation = _get_attempted(step_id, attempt)
    step.status, step.ended_at, step.output, step.proof = status, now, output, proof
    step.save()
    with recorded(actor=RECOVERY, reason=STEP_DONE if status == StepStatus.DONE else STEP_SKIPPED, now=now):
        operation.state, operation.failure, operation.next_attempt_at = state, {}, None
        operation.save()


@transaction.atomic
def keep_state(*, step_id: int, attempt: int, state: dict[str, Any], now: datetime) -> None:
    """Keep what a step has made before it is done."""
    _step, operation = _get_attempted(step_id, attempt)
    with recorded(actor=RECOVERY, reason=STEP_NOTED, now=now):
        operation.state = state
        operation.save()


@transaction.atomic
def keep_undone(*, operation_id: int, state: dict[str, Any], now: datetime) -> None:
    """Keep what was put back so far."""
    operation = get_locked_operation(operation_id)
    with recorded(actor=RECOVERY, reason=STEP_NOTED, now=now):
        operation.state = state
        operation.save()


@transaction.atomic
def fail_step(
    *,
    step_id: int,
    attempt: int,
    failure: dict[str, Any],
    is_passing: bool,
    output: str,
    state: dict[str, Any],
    now: datetime,
) -> bool:
    """Note that a step failed; True where it is tried again by itself.

    Else what was changed is put back next, whatever worker lives: the operation is driven until that is settled.
    """
    step, operation = _get_attempted(step_id, attempt)
    is_aborted = operation.status == Status.ABORTING
    is_tried_again = is_passing and step.attempts < MOST_ATTEMPTS and not is_aborted
    step.status = StepStatus.PENDING if is_tried_again else StepStatus.FAILED
    step.ended_at, step.output = now, output
    step.save()
    with recorded(actor=RECOVERY, reason=STEP_DELAYED if is_tried_again else STEP_FAILED, now=now):
        operation.state, operation.failure = state, failure
        if is_tried_again:
            operation.next_attempt_at = now + FIRST_PAUSE * 2 ** (step.attempts - 1)
        else:
            operation.state = state | {UNDOING: True}
        operation.save()
    return is_tried_again


@transaction.atomic
def ask_for_word(
    *, step_id: int, attempt: int, question: dict[str, Any], output: str, state: dict[str, Any], now: datetime
) -> None:
    """Let an operation wait for a person's word, and tell those who can give it."""
    step, operation = _get_attempted(step_id, attempt)
    step.status, step.output = StepStatus.PENDING, output
    step.save()
    with recorded(actor=RECOVERY, reason=WORD_NEEDED, now=now):
        operation.state, operation.failure = state, question
        if operation.status != Status.ABORTING:
            move(operation, Status.WAITING)
        operation.save()
    if operation.status == Status.WAITING:
        tell_operation(operation, now=now)


@transaction.atomic
def settle(*, operation_id: int, state: dict[str, Any], is_undone: bool, is_passing: bool, now: datetime) -> None:
    """Note how putting back went, after a failure or an abort. What does not pass is tried again, then told.

    An abort that could not put everything back, or that found the point of no return behind, is no abort: it fails.
    """
    operation = get_locked_operation(operation_id)
    attempts = int(state.get("undo_attempts", 0)) + 1
    if not is_undone and is_passing and attempts < MOST_ATTEMPTS:
        with recorded(actor=RECOVERY, reason=STEP_DELAYED, now=now):
            operation.state = state | {"undo_attempts": attempts}
            operation.next_attempt_at = now + FIRST_PAUSE * 2 ** (attempts - 1)
            operation.save()
        return
    state = {name: value for name, value in state.items() if name not in {UNDOING, "undo_attempts"}}
    is_aborted = operation.status == Status.ABORTING and is_undone and not state.get("is_past")
    if is_aborted:
        end_operation(operation_id=operation_id, status=Status.ABORTED, state=state, now=now)
        return
    with recorded(actor=RECOVERY, reason=STEP_FAILED, now=now):
        if operation.status == Status.ABORTING:
            code = "undo_failed" if not is_undone else "swapped_after_all"
            operation.failure = {"step": "", **(state["undone"] if not is_undone else {}), "code": code}
        operation.state, operation.next_attempt_at = state, None
        move(operation, Status.FAILED)
        operation.save()
    tell_operation(operation, now=now)


def _get_attempted(step_id: int, attempt: int) -> tuple[OperationStep, Operation]:
    """Return a step and its operation, locked; refuse a driver whose attempt another one has taken over."""
    step = OperationStep.objects.select_for_update().get(pk=step_id)
    operation = get_locked_operation(step.operation_id)
    if step.status != StepStatus.RUNNING or step.attempts != attempt:
        raise TakenOver
    return step, operation


@transaction.atomic
def end_operation(*, operation_id: int, status: Status, state: dict[str, Any], now: datetime) -> None:
    """End an operation, with the figures of its steps in its own history."""
    operation = get_locked_operation(operation_id)
    figures = [
        {"code": step.code, "status": step.status, "seconds": _seconds(step), "proof": step.proof}
        for step in operation.steps.all()
    ]
    with recorded(actor=RECOVERY, reason=OVER if status == Status.SUCCEEDED else TAKEN_BACK, now=now):
        operation.state, operation.failure, operation.ended_at = state | {"steps": figures}, {}, now
        move(operation, status)
        operation.save()
    tell_operation(operation, now=now)


def _seconds(step: OperationStep) -> float | None:
    if step.started_at is None or step.ended_at is None:
        return None
    return round((step.ended_at - step.started_at).total_seconds(), 2)
