"""Moves an operation from step to step: what its driver writes."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from core.actors import RECOVERY
from core.domain.lifecycle import check_move
from core.history import recorded
from recovery.domain.lifecycle import EDGES, Status, StepStatus
from recovery.models import Operation, OperationStep

BEGUN = "Operation begun"
STEP_DONE = "Step done"
STEP_FAILED = "Step failed"
STEP_DELAYED = "Step tried again later"
WORD_NEEDED = "A person's word is needed"
OVER = "Operation over"
TAKEN_BACK = "Operation aborted"
#: A fault that passes is waited out: after 5, 10, 20, 40 seconds; then a person decides.
MOST_ATTEMPTS = 5
FIRST_PAUSE = timedelta(seconds=5)


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
    *, step_id: int, status: StepStatus, output: str, proof: dict[str, Any], state: dict[str, Any], now: datetime
) -> None:
    """Note that a step is done or was not needed, with what proves it."""
    step = OperationStep.objects.select_for_update().get(pk=step_id)
    operation = get_locked_operation(step.operation_id)
    step.status, step.ended_at, step.output, step.proof = status, now, output, proof
    step.save()
    with recorded(actor=RECOVERY, reason=STEP_DONE, now=now):
        operation.state, operation.failure, operation.next_attempt_at = state, {}, None
        operation.save()


@transaction.atomic
def keep_state(*, operation_id: int, state: dict[str, Any], now: datetime) -> None:
    """Keep what a step has made before it is done."""
    operation = get_locked_operation(operation_id)
    with recorded(actor=RECOVERY, reason=STEP_DONE, now=now):
        operation.state = state
        operation.save()


@transaction.atomic
def fail_step(
    *, step_id: int, failure: dict[str, Any], is_passing: bool, output: str, state: dict[str, Any], now: datetime
) -> bool:
    """Note that a step failed; True where it is tried again by itself, False where a person decides."""
    step = OperationStep.objects.select_for_update().get(pk=step_id)
    operation = get_locked_operation(step.operation_id)
    is_aborted = operation.status == Status.ABORTING
    is_tried_again = is_passing and step.attempts < MOST_ATTEMPTS and not is_aborted
    step.status = StepStatus.PENDING if is_tried_again else StepStatus.FAILED
    step.ended_at, step.output = now, output
    step.save()
    with recorded(actor=RECOVERY, reason=STEP_DELAYED if is_tried_again else STEP_FAILED, now=now):
        operation.state, operation.failure = state, failure
        if is_tried_again:
            operation.next_attempt_at = now + FIRST_PAUSE * 2 ** (step.attempts - 1)
        elif not is_aborted:
            move(operation, Status.FAILED)
        operation.save()
    return is_tried_again


@transaction.atomic
def ask_for_word(*, step_id: int, question: dict[str, Any], output: str, state: dict[str, Any], now: datetime) -> None:
    """Let an operation wait for a person's word."""
    step = OperationStep.objects.select_for_update().get(pk=step_id)
    operation = get_locked_operation(step.operation_id)
    step.status, step.output = StepStatus.PENDING, output
    step.save()
    with recorded(actor=RECOVERY, reason=WORD_NEEDED, now=now):
        operation.state, operation.failure = state, question
        if operation.status != Status.ABORTING:
            move(operation, Status.WAITING)
        operation.save()


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


def _seconds(step: OperationStep) -> float | None:
    if step.started_at is None or step.ended_at is None:
        return None
    return round((step.ended_at - step.started_at).total_seconds(), 2)
