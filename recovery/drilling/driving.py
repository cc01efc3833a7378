"""Drives a drill: its flags, then an operation for each target, then its report."""

import logging
from datetime import datetime, timedelta

from core import clock
from core.actors import RECOVERY
from core.errors import Refusal
from flags.models import Environment
from recovery.domain.drills import FlagResult, TargetResult, compose_report, is_passed, sum_rollback
from recovery.domain.lifecycle import DrillStatus, Kind, Status
from recovery.drilling.flags import EXERCISE, exercise_flags
from recovery.driving import hold
from recovery.models import Drill, Operation, RestorePoint, Target
from recovery.queries import find_newest_point
from recovery.transitions.asking import abort_operation, ask_operation
from recovery.transitions.drilling import OVER, end_drill, note_flags
from recovery.transitions.wishes import find_newest_deployment

log = logging.getLogger(__name__)

#: First half of an advisory lock's key; the second is the drill.
DRILL_LOCK = 7_140_208
#: A target that something else has for longer was not tried: the drill ends without it, and is not good enough.
PATIENCE = timedelta(minutes=30)


def drive_drills() -> int:
    """Bring every running drill on; return how many ended."""
    ended = 0
    for pk in Drill.objects.filter(status=DrillStatus.RUNNING).values_list("pk", flat=True):
        try:
            ended += drive_drill(pk)
        except Exception:  # whatever it is, it is this drill's alone
            log.exception("drill %s: tried again", pk)
    return ended


def drive_drill(drill_id: int) -> bool:
    """Do what comes next of a drill; True where it ended. Whoever else drives it at the moment is left alone."""
    with hold(drill_id, lock=DRILL_LOCK) as is_held:
        if not is_held:
            return False
        drill = Drill.objects.select_related("environment").get(pk=drill_id)
        if drill.status != DrillStatus.RUNNING:
            return False
        if drill.flags is None:
            results = exercise_flags(drill.environment, now=clock.now())
            drill = note_flags(drill_id=drill.pk, results=results, now=clock.now())
        taken = _ask_operations(drill, now=clock.now())
        return _close(drill, taken=taken, now=clock.now())


def list_drilled(environment: Environment) -> list[Target]:
    """Return the targets that a drill of an environment tries: those with a database, and those for drills."""
    targets = Target.objects.filter(environment=environment, retired_at=None).order_by("key")
    return [target for target in targets if target.database or _has_application(target)]


def _has_application(target: Target) -> bool:
    return target.is_for_drills and target.has_application


def _ask_operations(drill: Drill, *, now: datetime) -> set[int]:
    """Have each target tried; return those that something else has, which are asked again later."""
    asked = set(drill.operations.values_list("target_id", flat=True))
    taken: set[int] = set()
    for target in list_drilled(drill.environment):
        wish = _compose_wish(target)
        if target.pk in asked or not wish:
            continue
        try:
            ask_operation(
                kind=Kind.DRILL,
                target_id=target.pk,
                wish=wish,
                actor=RECOVERY,
                reason=EXERCISE,
                now=now,
                is_exercise=True,
                drill_id=drill.pk,
            )
        except Refusal:
            taken.add(target.pk)
    return taken


def _compose_wish(target: Target) -> dict[str, object]:
    """Return what is tried on a target: its newest restore point, and its image before where it is for drills."""
    wish: dict[str, object] = {}
    newest = find_newest_point(target) if target.database else None
    if newest is not None:
        wish["restore_point"] = newest.pk
    deployment = find_newest_deployment(target) if _has_application(target) else None
    # One that never came live runs nowhere: there is nothing to go back from, and nothing to come back to.
    if deployment is not None and deployment.live_at is not None and deployment.previous_image:
        wish |= {"image": deployment.previous_image, "current": deployment.image}
    return wish


def _close(drill: Drill, *, taken: set[int], now: datetime) -> bool:
    operations = {one.target_id: one for one in drill.operations.all()}
    for operation in operations.values():
        # What did not end well has put back what it changed; its target is free again at once.
        if operation.status == Status.FAILED:
            abort_operation(operation_id=operation.pk, actor=RECOVERY, reason=OVER, now=now)
    if taken and now - drill.asked_at < PATIENCE:
        return False
    if any(one.status not in {Status.SUCCEEDED, Status.ABORTED, Status.FAILED} for one in operations.values()):
        return False
    flags = [FlagResult(**told) for told in drill.flags or []]
    drilled = list_drilled(drill.environment)
    targets = [_judge(target, operations.get(target.pk), is_taken=target.pk in taken) for target in drilled]
    status = DrillStatus.PASSED if is_passed(flags, targets) else DrillStatus.FAILED
    end_drill(drill_id=drill.pk, status=status, report=compose_report(flags, targets), now=now)
    return True


def _judge(target: Target, operation: Operation | None, *, is_taken: bool) -> TargetResult:
    if operation is None:
        fault = "taken" if is_taken else "no_point" if target.database else "no_image"
        return TargetResult(target.key, fault, None, target.rto_seconds)
    is_done = operation.status == Status.SUCCEEDED
    rows = RestorePoint.objects.filter(pk=operation.wish.get("restore_point", 0)).first()
    tables = rows.manifest.get("tables", {}) if rows else {}
    return TargetResult(
        target.key,
        "" if is_done else str(operation.state.get("fault") or "aborted"),
        sum_rollback(operation.state.get("steps", ())) if is_done else None,
        target.rto_seconds,
        rows=sum(int(one["rows"]) for one in tables.values()) if rows else None,
        operation=operation.pk,
        has_application="image" in operation.wish,
        before=operation.state.get("speed_before"),
        after=operation.state.get("speed_after"),
    )
