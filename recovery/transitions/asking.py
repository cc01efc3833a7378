"""What people and programs ask of an operation: that it begins, goes on, or is given up."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from core.actors import RECOVERY, Actor
from core.errors import InvalidInput, Refusal
from core.history import recorded
from recovery.domain.lifecycle import CALM, UNFINISHED, WAYS_BACK, Kind, Status, StepStatus
from recovery.models import Operation, OperationStep, Target
from recovery.plans import PLANS
from recovery.transitions.deploying import mark_rolled_back
from recovery.transitions.stepping import get_locked_operation, move

GAVE_WAY = "Gave way to a rollback"


@transaction.atomic
def ask_operation(
    *,
    kind: Kind,
    target_id: int,
    wish: dict[str, Any],
    actor: Actor,
    reason: str,
    now: datetime,
    is_exercise: bool = False,
    drill_id: int | None = None,
) -> Operation:
    """Begin an operation; refuse while another one has the target. `drill_id`: the drill that it is a part of."""
    # Not its key: steps of others that only point to it go on.
    target = Target.objects.select_for_update(of=("self",), no_key=True).get(pk=target_id)
    if target.retired_at is not None:
        raise Refusal("target_retired", target=target.key)
    _make_way(target, kind=kind, now=now)
    with recorded(actor=actor, reason=reason, now=now):
        operation = Operation(
            kind=kind,
            target=target,
            wish=wish,
            is_exercise=is_exercise,
            drill_id=drill_id,
            asked_by=actor.label,
            asked_at=now,
            deadline_at=now + timedelta(seconds=target.rto_seconds) if kind in WAYS_BACK else None,
        )
        operation.save()
    steps = PLANS[kind](target, wish).steps
    OperationStep.objects.bulk_create(
        OperationStep(operation=operation, position=position, code=step.code) for position, step in enumerate(steps)
    )
    return operation


@transaction.atomic
def resume_operation(
    *,
    operation_id: int,
    actor: Actor,
    reason: str,
    now: datetime,
    accepts: bool = False,
    seen_rows: int | None = None,
    point_id: int | None = None,
) -> Operation:
    """Let an operation go on that failed or waits.

    `accepts`: the person's word to the losses that it waits with, `seen_rows` of them on the person's page; it is good
    for this once. `point_id`: another restore point of the same target, where the one asked for is of no use.
    """
    operation = get_locked_operation(operation_id)
    if operation.status not in {Status.FAILED, Status.WAITING}:
        raise Refusal("operation_not_stopped")
    if operation.status == Status.WAITING and not accepts:
        raise InvalidInput("word_missing")
    if operation.status == Status.FAILED and accepts:
        raise Refusal("nothing_to_accept")
    counted = operation.failure.get("data", {}).get("rows")
    if accepts and seen_rows is not None and seen_rows != counted:
        raise Refusal("losses_changed", rows=counted)
    if point_id is not None:
        operation.wish = operation.wish | {"restore_point": point_id}
    # What waits has changed nothing back: it goes on where it stands.
    stood = operation.status == Status.WAITING
    with recorded(actor=actor, reason=reason, now=now):
        move(operation, Status.RUNNING)
        if accepts:
            word = {"rows": counted, "by": actor.label, "at": now.isoformat(), "reason": reason.strip()}
            operation.state = operation.state | {"accepted": word}
        operation.failure, operation.next_attempt_at = {}, None
        operation.save()
    if not stood:
        _begin_again(operation)
    return operation


@transaction.atomic
def abort_operation(*, operation_id: int, actor: Actor, reason: str, now: datetime) -> Operation:
    """Have an operation given up: whatever it changed is put back, as long as that can be.

    One that runs can be given up where it changes nothing of production; any other ends its step first, or asks.
    """
    operation = get_locked_operation(operation_id)
    if operation.is_past:
        raise Refusal("past_aborting")
    if operation.status == Status.RUNNING and not operation.is_abortable:
        raise Refusal("operation_runs")
    with recorded(actor=actor, reason=reason, now=now):
        move(operation, Status.ABORTING)
        operation.next_attempt_at = None
        operation.save()
    return operation


@transaction.atomic
def leave_operation(*, operation_id: int, actor: Actor, reason: str, now: datetime) -> Operation:
    """End an operation as it stands: it failed where nothing can be put back any more."""
    operation = get_locked_operation(operation_id)
    if not operation.is_leavable:
        raise Refusal("operation_not_left")
    with recorded(actor=actor, reason=reason, now=now):
        _leave(operation, now=now)
    return operation


def _leave(operation: Operation, *, now: datetime) -> None:
    if operation.kind == Kind.ROLL_BACK and operation.state.get("is_up"):
        mark_rolled_back(target_id=operation.target_id, image=str(operation.wish["image"]), now=now)
    move(operation, Status.ABORTED)
    operation.ended_at, operation.next_attempt_at = now, None
    operation.save()


def _make_way(target: Target, *, kind: Kind, now: datetime) -> None:
    """Refuse where another operation has the target.

    One that changes nothing of production gives way to a rollback, and so does one that failed past its point of no
    return: there the next rollback is the way out.
    """
    for running in target.operations.select_for_update(of=("self",)).filter(status__in=UNFINISHED):
        if running.is_leavable and kind in WAYS_BACK:
            with recorded(actor=RECOVERY, reason=GAVE_WAY, now=now):
                _leave(running, now=now)
            continue
        gives_way = running.kind in CALM and not _is_away(running)
        if gives_way and running.status == Status.ABORTING:
            continue
        if not gives_way or kind not in WAYS_BACK:
            raise Refusal("target_taken", target=target.key, operation=running.pk)
        with recorded(actor=RECOVERY, reason=GAVE_WAY, now=now):
            move(running, Status.ABORTING)
            running.next_attempt_at = None
            running.save()


def _is_away(operation: Operation) -> bool:
    """Tell whether a drill has, or may have, its target's application on another image."""
    running = operation.steps.filter(status=StepStatus.RUNNING, code__startswith="drill_")
    return "current" in operation.wish and (bool(operation.state.get("is_touched")) or running.exists())


def _begin_again(operation: Operation) -> None:
    """Let the step that failed be done again, from where it stands on sure ground."""
    step = operation.steps.exclude(status__in=[StepStatus.DONE, StepStatus.SKIPPED]).first()
    if step is None:
        return
    plan = PLANS[Kind(operation.kind)](operation.target, operation.wish)
    # Past the point of no return nothing was put back: it goes on where it stands.
    start = "" if operation.is_past else plan.find(step.code).again_from
    first = operation.steps.get(code=start).position if start else step.position
    operation.steps.filter(position__gte=first).update(status=StepStatus.PENDING, attempts=0)
