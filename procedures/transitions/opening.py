"""Opens a procedure for each rollback, a moment after it: containing asks for nothing first."""

from datetime import datetime

from django.db import transaction

from core.actors import RECOVERY
from core.history import recorded
from procedures.domain.checklists import DEADLINES, WATCHES, Kind, list_templates
from procedures.models import Procedure, ProcedureItem, ProcedureOperation
from recovery.models import Operation
from rollouts.models import Rollback

OPENED = "Procedure opened"


@transaction.atomic
def open_for_rollback(rollback: Rollback, *, now: datetime) -> Procedure:
    """Return the procedure of a rollback of flags, opened at the first call; they are off already."""
    locked = Rollback.objects.select_for_update(of=("self",)).select_related("rollout").get(pk=rollback.pk)
    found = Procedure.objects.filter(rollback=locked).first()
    if found is not None:
        return found
    return _open(
        Kind.FEATURE,
        environment_id=locked.rollout.environment_id,
        begun_at=locked.detected_at,
        done_at=locked.contained_at,
        rollback=locked,
        now=now,
    )


@transaction.atomic
def open_for_operation(operation: Operation, *, now: datetime) -> Procedure:
    """Return the procedure that a target's rollback belongs to: of flags that went off there just before, else its own.

    Flags that were enough need no target; where they were not, both are one procedure.
    """
    locked = Operation.objects.select_for_update(of=("self",)).select_related("target").get(pk=operation.pk)
    part = ProcedureOperation.objects.filter(operation=locked).select_related("procedure").first()
    if part is not None:
        return part.procedure
    place = locked.target.environment_id
    flags = Procedure.objects.filter(environment=place, rollback__rollout__is_rehearsal=False)
    running = flags.filter(ended_at=None, begun_at__lte=locked.asked_at)
    found = running.filter(watched_until__gt=locked.asked_at).select_for_update(of=("self",)).first()
    kind = Kind.IMMEDIATE if "image" in locked.wish else Kind.DATABASE
    if found is None:
        found = _open(kind, environment_id=place, begun_at=locked.asked_at, done_at=None, rollback=None, now=now)
    else:
        _widen(found, kind=kind, begun_at=locked.asked_at, now=now)
    with recorded(actor=RECOVERY, reason=OPENED, now=now):
        ProcedureOperation(procedure=found, operation=locked).save()
    return found


def _open(
    kind: Kind,
    *,
    environment_id: int,
    begun_at: datetime,
    done_at: datetime | None,
    rollback: Rollback | None,
    now: datetime,
) -> Procedure:
    procedure = Procedure(
        environment_id=environment_id,
        kind=kind,
        rollback=rollback,
        begun_at=begun_at,
        deadline_at=begun_at + DEADLINES[kind],
        done_at=done_at,
        watched_until=(done_at or begun_at) + WATCHES[kind],
    )
    with recorded(actor=RECOVERY, reason=OPENED, now=now):
        procedure.save()
        _add_items(procedure, kind=kind)
    return procedure


def _widen(procedure: Procedure, *, kind: Kind, begun_at: datetime, now: datetime) -> None:
    """Let a procedure of flags go on with a target: what is asked of that is added, and it is done with that."""
    with recorded(actor=RECOVERY, reason=OPENED, now=now):
        procedure.done_at = None
        procedure.deadline_at = max(procedure.deadline_at, begun_at + DEADLINES[kind])
        procedure.watched_until = max(procedure.watched_until, begun_at + WATCHES[kind])
        procedure.save()
        _add_items(procedure, kind=kind)


def _add_items(procedure: Procedure, *, kind: Kind) -> None:
    known = set(procedure.items.values_list("code", flat=True))
    for position, template in enumerate(list_templates(kind), start=len(known)):
        if template.code not in known:
            ProcedureItem(
                procedure=procedure,
                position=position,
                code=template.code,
                stage=template.stage,
                is_automatic=template.is_automatic,
            ).save()
