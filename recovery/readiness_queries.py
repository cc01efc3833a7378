"""Can each target be taken back now? A handful of queries, however many targets there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from recovery.domain.drills import sum_rollback
from recovery.domain.lifecycle import UNFINISHED, Kind, PointStatus, Status
from recovery.domain.readiness import Facts, Readiness, judge
from recovery.models import Deployment, Operation, RestorePoint, Target


@dataclass(frozen=True)
class TargetLight:
    """A target with its light, and the facts that its reasons speak of."""

    target: Target
    readiness: Readiness
    facts: Facts


def list_lights(*, environment_id: int, now: datetime) -> list[TargetLight]:
    """Return the targets in use of an environment with their lights; one query where there are none."""
    targets = Target.objects.filter(environment=environment_id, retired_at=None).order_by("key")
    return judge_targets(list(targets), now=now)


def judge_targets(targets: Sequence[Target], *, now: datetime) -> list[TargetLight]:
    """Return targets with their lights, in their order: four queries, none where there is no target."""
    if not targets:
        return []
    keys = [target.pk for target in targets]
    verified = RestorePoint.objects.filter(target__in=keys, status=PointStatus.VERIFIED)
    points = dict(
        verified.order_by("target_id", "-taken_at").distinct("target_id").values_list("target_id", "taken_at")
    )
    standing = Deployment.objects.filter(target__in=keys, rolled_back_at=None, live_at__isnull=False)
    newest = standing.order_by("target_id", "-pk").distinct("target_id")
    deployments = {one.target_id: one for one in newest}
    operations = Operation.objects.filter(target__in=keys)
    stuck = operations.filter(status__in=[str(s) for s in UNFINISHED], kind__in=[Kind.ROLL_BACK, Kind.DEPLOY])
    blocked = dict(stuck.filter(status__in=[Status.FAILED, Status.WAITING]).values_list("target_id", "pk"))
    timed = {one.target_id: one for one in list_timed(operations).distinct("target_id")}
    return [
        _light(
            target,
            point_at=points.get(target.pk),
            deployment=deployments.get(target.pk),
            blocked_by=blocked.get(target.pk),
            timed=timed.get(target.pk),
            now=now,
        )
        for target in targets
    ]


def list_timed(operations: QuerySet[Operation]) -> QuerySet[Operation]:
    """Return those that say how long going back takes, by target: rollbacks before drills, the newest first."""
    timed = operations.filter(kind__in=[Kind.ROLL_BACK, Kind.DRILL], status=Status.SUCCEEDED)
    return timed.order_by("target_id", "-kind", "-pk")


def _light(
    target: Target,
    *,
    point_at: datetime | None,
    deployment: Deployment | None,
    blocked_by: int | None,
    timed: Operation | None,
    now: datetime,
) -> TargetLight:
    facts = Facts(
        has_database=bool(target.database),
        has_application=target.has_application,
        point_at=point_at,
        has_previous_image=bool(deployment and deployment.previous_image),
        deployed_at=deployment.live_at if deployment else None,
        blocked_by=blocked_by,
        needed_seconds=sum_rollback(timed.state.get("steps", ())) if timed else None,
        rto_seconds=target.rto_seconds,
        timed_by=timed.kind if timed else "",
        timed_at=timed.ended_at if timed else None,
    )
    return TargetLight(target, judge(facts, now=now), facts)
