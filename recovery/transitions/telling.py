"""Tells people of operations that need them, or changed production: in the transaction that notes it."""

from collections.abc import Mapping
from datetime import datetime

from notifications.domain.audience import CREW
from notifications.transitions import publish
from recovery.domain.lifecycle import WAYS_BACK, Kind, Status
from recovery.models import Operation

#: What a rollback's state is told as.
ROLLBACKS: Mapping[str, str] = {
    Status.WAITING: "target_rollback_waits",
    Status.FAILED: "target_rollback_failed",
    Status.SUCCEEDED: "target_rolled_back",
    Status.ABORTED: "target_rollback_aborted",
}
DEPLOYMENTS: Mapping[str, str] = {Status.FAILED: "deployment_failed", Status.SUCCEEDED: "deployed"}


def tell_operation(operation: Operation, *, now: datetime) -> None:
    """Say what became of a rollback or deployment, or that it waits; drills and restore points are nobody's news."""
    table = ROLLBACKS if operation.kind in WAYS_BACK else DEPLOYMENTS if operation.kind == Kind.DEPLOY else {}
    kind = table.get(operation.status)
    if kind is None or operation.is_exercise:
        return
    environment = operation.target.environment
    lost = operation.state.get("losses", {}).get("rows", 0)
    publish(
        kind=kind,
        data={
            "target": operation.target.name,
            "environment": environment.key,
            "version": str(operation.wish.get("version", "")),
            "rows": operation.failure.get("data", {}).get("rows", lost),
            "deadline": operation.deadline_at.isoformat() if operation.deadline_at else "",
            "by": operation.asked_by,
        },
        audience=CREW,
        dedupe_key=f"operation:{operation.pk}:{operation.status}:{now.isoformat()}",
        now=now,
        url=f"/recovery/operations/{operation.pk}/",
    )
