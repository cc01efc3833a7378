"""Reads of targets, operations and restore points."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch, Q, QuerySet

from core.errors import NotFound
from recovery.domain.eta import Progress, StepTime, estimate
from recovery.domain.lifecycle import CALM, UNFINISHED, Kind, PointStatus, Status, StepStatus
from recovery.models import Operation, OperationStep, RestorePoint, Target
from recovery.readiness_queries import TargetLight, judge_targets, list_timed

#: Steps of a drill by what they are called in a rollback.
_DRILLED = {"drill_back": "bring_up", "drill_watch": "watch", "drill_smoke": "smoke"}
_OVER = (StepStatus.DONE, StepStatus.SKIPPED)
#: Operations of a target that its page shows.
SHOWN = 15


@dataclass(frozen=True)
class TargetRow:
    """A target with what can be said of it in a line. `operation`: what has it now."""

    target: Target
    light: TargetLight
    operation: Operation | None

    @property
    def leaves_rollback(self) -> bool:
        """Tell whether a rollback may begin: nothing has the target, or what has it gives way."""
        return self.operation is None or self.operation.kind in CALM


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


def list_target_rows(*, now: datetime) -> list[TargetRow]:
    """Return every target with its light and what is done to it now: six queries."""
    return describe_targets(list(list_targets()), now=now)


def describe_targets(targets: Sequence[Target], *, now: datetime) -> list[TargetRow]:
    """Return targets with their lights and what has each of them now."""
    # The newest last: beside a rollback, what gave way to it may still be put back.
    running = Operation.objects.filter(status__in=[str(s) for s in UNFINISHED], target__in=targets).order_by("pk")
    operations = {operation.target_id: operation for operation in running}
    lights = judge_targets(targets, now=now)
    return [TargetRow(one.target, one, operations.get(one.target.pk)) for one in lights]


def list_pressing() -> list[Operation]:
    """Return what waits for a word or failed, and what takes a target back now: one query."""
    stopped = Q(status__in=[str(Status.WAITING), str(Status.FAILED)])
    going_back = Q(kind__in=[str(Kind.ROLL_BACK), str(Kind.SWAP_BACK)], status__in=[str(s) for s in UNFINISHED])
    return list(Operation.objects.filter(stopped | going_back).select_related("target").order_by("pk"))


def find_taking(target: Target, *, kind: Kind) -> Operation | None:
    """Return the operation that has a target now and would not give way to one of this kind."""
    running = target.operations.filter(status__in=[str(s) for s in UNFINISHED])
    if kind in {Kind.ROLL_BACK, Kind.SWAP_BACK}:
        running = running.exclude(kind__in=[str(k) for k in CALM])
    return running.exclude(status=Status.ABORTING, kind__in=[str(k) for k in CALM]).first()


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


def find_newest_point(target: Target) -> RestorePoint | None:
    """Return the newest restore point that can be gone back to, None where there is none."""
    return list_points(target).filter(status=PointStatus.VERIFIED).order_by("-taken_at").first()


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
    # Rollbacks before drills: their names are in that order, backwards.
    ended = target.operations.filter(kind__in=list(kinds), status=Status.SUCCEEDED).order_by("-kind", "-pk")[:5]
    found: dict[str, float] = {}
    for operation in ended:
        for step in operation.state.get("steps", ()):
            if step["seconds"] is not None and step["status"] == StepStatus.DONE:
                found.setdefault(_DRILLED.get(step["code"], step["code"]), float(step["seconds"]))
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


def find_timed(target: Target) -> Operation | None:
    """Return the operation that says how long going back takes here, a rollback before a drill, None without any."""
    return list_timed(target.operations.all()).first()


def _run_seconds(step: OperationStep, *, now: datetime) -> float | None:
    if step.status != StepStatus.RUNNING or step.started_at is None:
        return None
    return max((now - step.started_at).total_seconds(), 0.0)
