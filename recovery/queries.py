"""Reads of targets, operations and restore points."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Prefetch, QuerySet

from core.errors import NotFound
from recovery.domain.drills import sum_rollback
from recovery.domain.eta import Progress, StepTime, estimate
from recovery.domain.lifecycle import UNFINISHED, Kind, PointStatus, Status, StepStatus
from recovery.models import Operation, OperationStep, RestorePoint, Target

_OVER = (StepStatus.DONE, StepStatus.SKIPPED)
#: Operations of a target that its page shows.
SHOWN = 15


@dataclass(frozen=True)
class TargetRow:
    """A target with what can be said of it in a line. `point`: the newest verified restore point."""

    target: Target
    point: RestorePoint | None
    operation: Operation | None


@dataclass(frozen=True)
class Kept:
    """A database that was swapped out and is still there; `oid` names it whatever it is called."""

    name: str
    oid: int
    since: datetime
    operation_id: int


def list_targets() -> QuerySet[Target]:
    """Return the targets in use, by environment."""
    return (
        Target.objects.filter(retired_at=None)
        .select_related("environment", "site")
        .order_by("environment__position", "environment__key", "key")
    )


def list_target_rows() -> list[TargetRow]:
    """Return every target with its newest verified restore point and what is done to it now: three queries."""
    verified = RestorePoint.objects.filter(status=PointStatus.VERIFIED)
    newest = verified.defer("manifest").order_by("target_id", "-taken_at").distinct("target_id")
    # The newest last: beside a rollback, what gave way to it may still be put back.
    running = Operation.objects.filter(status__in=[str(s) for s in UNFINISHED]).order_by("pk")
    points = {point.target_id: point for point in newest}
    operations = {operation.target_id: operation for operation in running}
    return [TargetRow(target, points.get(target.pk), operations.get(target.pk)) for target in list_targets()]


def get_target(key: str) -> Target:
    """Return a target by its key, retired ones too."""
    found = Target.objects.select_related("environment", "site").filter(key=key).first()
    if found is None:
        raise NotFound("target_unknown", target=key)
    return found


def get_operation(operation_id: int) -> Operation:
    """Return an operation with its target and steps."""
    steps = Prefetch("steps", OperationStep.objects.order_by("position"))
    rows = Operation.objects.select_related("target__environment").prefetch_related(steps)
    found = rows.filter(pk=operation_id).first()
    if found is None:
        raise NotFound("operation_unknown")
    return found


def list_points(target: Target) -> QuerySet[RestorePoint]:
    """Return a target's restore points, newest first, without those that are gone."""
    return target.restore_points.exclude(status=PointStatus.EXPIRED).defer("manifest")


def get_verified_point(*, target: Target, point_id: int) -> RestorePoint:
    """Return a restore point that can be gone back to; refuse any other."""
    point = RestorePoint.objects.filter(pk=point_id, target=target).first()
    if point is None:
        raise NotFound("point_unknown")
    if point.status != PointStatus.VERIFIED:
        raise NotFound("point_not_verified", point=point.pk)
    return point


def list_kept(target: Target) -> list[Kept]:
    """Return the databases that operations swapped out and nobody has let go or swapped back."""
    kept: dict[str, Kept] = {}
    ended = target.operations.filter(kind__in=[Kind.ROLL_BACK, Kind.SWAP_BACK, Kind.LET_GO]).order_by("pk")
    for operation in ended:
        wish, state = operation.wish, operation.state
        is_done = operation.status == Status.SUCCEEDED
        if is_done and operation.kind in {Kind.LET_GO, Kind.SWAP_BACK}:
            kept.pop(str(wish.get("database", "")), None)
        if state.get("is_swapped") and "kept" in state:
            oid = int(state.get("live_oid") or 0)
            kept[state["kept"]] = Kept(state["kept"], oid, operation.ended_at or operation.asked_at, operation.pk)
    return list(kept.values())


def find_kept(*, target: Target, name: str) -> Kept:
    """Return one of the databases kept; refuse any other name."""
    found = next((one for one in list_kept(target) if one.name == name), None)
    if found is None:
        raise NotFound("kept_unknown", database=name)
    return found


def find_step_times(target: Target, *, kinds: Iterable[str]) -> dict[str, float]:
    """Return the seconds that each step took the last time it was done on a target, by code."""
    ended = target.operations.filter(kind__in=list(kinds), status=Status.SUCCEEDED).order_by("-pk")[:5]
    found: dict[str, float] = {}
    for operation in ended:
        for step in operation.state.get("steps", ()):
            if step["seconds"] is not None and step["status"] == StepStatus.DONE:
                found.setdefault(step["code"], float(step["seconds"]))
    return found


def measure_progress(operation: Operation, *, now: datetime) -> Progress:
    """Return how far an operation is, and how long it still takes by the last ones of its kind."""
    # A drill has most steps of a rollback: the first one here knows its time from drills.
    kinds = [Kind.ROLL_BACK, Kind.DRILL] if operation.kind == Kind.ROLL_BACK else [operation.kind]
    before = find_step_times(operation.target, kinds=kinds)
    times = [StepTime(step.code, step.status in _OVER, _run_seconds(step, now=now)) for step in operation.steps.all()]
    if operation.status == Status.SUCCEEDED:
        return Progress(10_000, 0.0)
    return estimate(times, before=before)


def find_first_reason(operation: Operation) -> str:
    """Return why an operation was asked for."""
    first = operation.history.order_by("history_id").first()
    return str(first.history_change_reason or "") if first else ""


def estimate_rollback(target: Target) -> timedelta | None:
    """Return how long going back takes here by the last time, rollback or drill; None where it was never done."""
    newest = target.operations.filter(kind__in=[Kind.ROLL_BACK, Kind.DRILL], status=Status.SUCCEEDED).first()
    seconds = sum_rollback(newest.state.get("steps", ())) if newest is not None else None
    return None if seconds is None else timedelta(seconds=seconds)


def _run_seconds(step: OperationStep, *, now: datetime) -> float | None:
    if step.status != StepStatus.RUNNING or step.started_at is None:
        return None
    return max((now - step.started_at).total_seconds(), 0.0)
