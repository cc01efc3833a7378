"""What people and programs ask of an operation: that it begins, goes on, or is given up."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from core.actors import RECOVERY, Actor
from core.errors import InvalidInput, Refusal
from core.history import recorded
from recovery.domain.lifecycle import CALM, UNFINISHED, Kind, Status, StepStatus, can_abort
from recovery.models import Operation, OperationStep, Target
from recovery.plans import PLANS
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
            deadline_at=now + timedelta(seconds=target.rto_seconds) if kind == Kind.ROLL_BACK else None,
        )
        operation.save()
    steps = PLANS[kind](target, wish).steps
    OperationStep.objects.bulk_create(
        OperationStep(operation=operation, position=position, code=step.code) for position, step in enumerate(steps)
    )
    return operation


@transaction.atomic
def resume_operation(
    *, operation_id: int, actor: Actor, reason: str, now: datetime, word: dict[str, Any] | None = None
) -> Operation:
    """Let an operation go on that failed or waits. `word`: what the person decided, added to what was asked for."""
    operation = get_locked_operation(operation_id)
    if operation.status not in {Status.FAILED, Status.WAITING}:
        raise Refusal("operation_not_stopped")
    if operation.status == Status.WAITING and not word:
        raise InvalidInput("word_missing")
    # What waits has changed nothing back: it goes on where it stands.
    stood = operation.status == Status.WAITING
    with recorded(actor=actor, reason=reason, now=now):
        move(operation, Status.RUNNING)
        operation.wish = operation.wish | (word or {})
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
    if operation.status == Status.RUNNING and not can_abort(Status.RUNNING, kind=Kind(operation.kind)):
        raise Refusal("operation_runs")
    if operation.state.get("is_past"):
        raise Refusal("past_aborting")
    with recorded(actor=actor, reason=reason, now=now):
        move(operation, Status.ABORTING)
        operation.next_attempt_at = None
        operation.save()
    return operation


def _make_way(target: Target, *, kind: Kind, now: datetime) -> None:
    """Refuse where another operation has the target; one that changes nothing of production gives way to a rollback."""
    for running in target.operations.select_for_update(of=("self",)).filter(status__in=UNFINISHED):
        gives_way = running.kind in CALM and not _is_away(running)
        if gives_way and running.status == Status.ABORTING:
            continue
        if not gives_way or kind not in {Kind.ROLL_BACK, Kind.SWAP_BACK}:
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
    start = plan.find(step.code).again_from
    first = operation.steps.get(code=start).position if start else step.position
    operation.steps.filter(position__gte=first).update(status=StepStatus.PENDING, attempts=0)
