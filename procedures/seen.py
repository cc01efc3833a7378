"""What the program itself sees of a procedure's items."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flags.reach import confirm_flags
from procedures.domain.checklists import ItemState
from procedures.domain.figures import Verdict
from procedures.models import Procedure
from recovery.domain.lifecycle import DrillStatus, PointStatus, Status, StepStatus
from recovery.domain.readiness import FRESH
from recovery.models import Drill, Operation, RestorePoint

#: A drill of last month still says how it goes.
TRIED_WITHIN = timedelta(days=40)
_OF_STEP = {StepStatus.DONE: ItemState.MET, StepStatus.FAILED: ItemState.FAILED}
_OF_VERDICT = {
    Verdict.BACK: ItemState.MET,
    Verdict.NEVER_OUT: ItemState.MET,
    Verdict.NOT_BACK: ItemState.FAILED,
    Verdict.UNKNOWN: ItemState.OPEN,
    Verdict.NOT_DONE: ItemState.OPEN,
}
#: The step of an operation that shows an item.
_STEPS = {"image_present": "check_image", "end_to_end": "smoke", "data_sound": "validate"}
_AFTERWARDS = {"end_to_end", "data_sound"}


@dataclass(frozen=True)
class Seen:
    """What an item is, and what shows it."""

    state: ItemState
    data: dict[str, Any] = field(default_factory=dict)


def look(procedure: Procedure, *, now: datetime) -> dict[str, Seen]:
    """Return what the program sees now, by the item's code; what it cannot see yet is left out."""
    operations = [part.operation for part in procedure.parts.select_related("operation__target").order_by("pk")]
    found = dict(_look_at_flags(procedure, now=now))
    if operations:
        found |= dict(_look_before(operations, procedure))
        found |= dict(_look_at_steps(operations))
    if procedure.figures:
        verdict = Verdict(procedure.figures["verdict"])
        found["metrics_back"] = Seen(_OF_VERDICT[verdict], {"verdict": str(verdict)})
    return found


def _look_at_flags(procedure: Procedure, *, now: datetime) -> Iterator[tuple[str, Seen]]:
    """Off for clients: the tills that fetch flags there have fetched the change."""
    if procedure.rollback is None:
        return
    ids = list(procedure.rollback.rollback_flags.values_list("flag_id", flat=True))
    sites = None if procedure.rollback.site_id is None else [procedure.rollback.site_id]
    reached = confirm_flags(environment_id=procedure.environment_id, flag_ids=ids, now=now, site_ids=sites).values()
    confirmed, total = (
        min((one.confirmed for one in reached), default=0),
        max((one.total for one in reached), default=0),
    )
    is_whole = total > 0 and all(one.is_complete for one in reached)
    yield "flags_off", Seen(ItemState.MET if is_whole else ItemState.OPEN, {"confirmed": confirmed, "total": total})


def _look_before(operations: Sequence[Operation], procedure: Procedure) -> Iterator[tuple[str, Seen]]:
    begun_at = operations[0].asked_at
    points = [_find_point(one) for one in operations if one.target.database]
    if points:
        oldest = min((point.taken_at for point in points if point is not None), default=None)
        is_recent = all(points) and oldest is not None and begun_at - oldest <= FRESH
        data = {"points": [point.pk for point in points if point], "taken_at": oldest.isoformat() if oldest else ""}
        yield "recent_backup", Seen(ItemState.MET if is_recent else ItemState.FAILED, data)
    drills = Drill.objects.filter(
        environment=procedure.environment_id,
        status=DrillStatus.PASSED,
        ended_at__lte=begun_at,
        ended_at__gte=begun_at - TRIED_WITHIN,
    )
    for operation in operations:
        # One that left this target out says nothing of it.
        drills = drills.filter(operations__target=operation.target_id, operations__status=Status.SUCCEEDED)
    drill = drills.order_by("-ended_at").first()
    state = ItemState.MET if drill else ItemState.FAILED
    yield "tried_before", Seen(state, {"drill": drill.pk if drill else 0})


def _find_point(operation: Operation) -> RestorePoint | None:
    """Return the restore point that a rollback goes back to, else the newest that could have been taken instead."""
    points = RestorePoint.objects.filter(target=operation.target, verified_at__isnull=False)
    if "restore_point" in operation.wish:
        return points.filter(pk=operation.wish["restore_point"]).first()
    return points.filter(status=PointStatus.VERIFIED, taken_at__lte=operation.asked_at).first()


def _look_at_steps(operations: Sequence[Operation]) -> Iterator[tuple[str, Seen]]:
    is_back = all(one.status == Status.SUCCEEDED for one in operations)
    for code, name in _STEPS.items():
        if code in _AFTERWARDS and not is_back:
            # What was judged beside the live database says nothing of it before it has changed places.
            yield code, Seen(ItemState.OPEN)
            continue
        steps = [step for one in operations for step in one.steps.filter(code=name)]
        states = [_OF_STEP.get(StepStatus(step.status), ItemState.OPEN) for step in steps]
        if not states or ItemState.OPEN in states:
            continue
        state = ItemState.FAILED if ItemState.FAILED in states else ItemState.MET
        yield code, Seen(state, {"operations": [step.operation_id for step in steps]})


def find_end(operations: Sequence[Operation]) -> datetime | None:
    """Return when the last target of a procedure was back, or given up; None while one is not."""
    ends = [one.ended_at for one in operations]
    return max((end for end in ends if end is not None), default=None) if all(ends) else None


def has_taken_back(procedure: Procedure, operations: Sequence[Operation]) -> bool:
    """Tell whether anything was taken back, and everything that began is over."""
    if any(one.ended_at is None for one in operations):
        return False
    return procedure.rollback_id is not None or any(one.status == Status.SUCCEEDED for one in operations)


def find_looking(procedure: Procedure, *, code: str) -> Operation | None:
    """Return the operation that still is to show an item; None where none of them will."""
    name = _STEPS.get(code)
    if name is None:
        return None
    running = [part.operation for part in procedure.parts.filter(operation__ended_at=None).select_related("operation")]
    for operation in running:
        steps = dict(operation.steps.values_list("code", "status"))
        if not steps or steps.get(name, StepStatus.SKIPPED) != StepStatus.SKIPPED:
            return operation
    return None
