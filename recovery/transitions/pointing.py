"""Writes of restore points: taken, verified, found broken, kept, expired."""

from datetime import datetime
from typing import Any

from django.db import transaction

from core.actors import RECOVERY, Actor
from core.domain.lifecycle import check_move
from core.errors import Refusal
from core.history import recorded
from core.versions import check_version
from recovery.domain.lifecycle import POINT_EDGES, UNFINISHED, PointStatus
from recovery.domain.retention import Point, choose_expired
from recovery.models import Deployment, Operation, RestorePoint, Target

TAKEN = "Restore point taken"
VERIFIED = "Restore point verified"
FOUND_BROKEN = "Restore point found broken"
EXPIRED = "Restore point expired by rule"
REMOVED = "File of an expired restore point removed"


@transaction.atomic
def open_point(*, operation_id: int, label: str, now: datetime) -> RestorePoint:
    """Return the restore point that an operation takes, made at its first attempt; a repeated dump is of now.

    One that could not be read to its end is taken again in its place.
    """
    operation = Operation.objects.select_for_update(of=("self",)).select_related("target").get(pk=operation_id)
    point = RestorePoint.objects.filter(operation=operation).first()
    live = operation.target.deployments.filter(live_at__isnull=False, rolled_back_at=None).first()
    with recorded(actor=RECOVERY, reason=TAKEN, now=now):
        if point is None:
            point = RestorePoint(operation=operation, target=operation.target, label=label[:200])
        if point.status == PointStatus.BROKEN:
            check_move(POINT_EDGES, start=PointStatus(point.status), end=PointStatus.TAKING)
            point.status = PointStatus.TAKING
        point.taken_at = now
        point.image = live.image if live else ""
        point.version = live.version if live else ""
        point.save()
    return point


@transaction.atomic
def note_dump(*, point_id: int, sha256: str, size_bytes: int, manifest: dict[str, Any], now: datetime) -> None:
    """Keep what a dump is and what it holds."""
    point = RestorePoint.objects.select_for_update(of=("self",)).get(pk=point_id)
    with recorded(actor=RECOVERY, reason=TAKEN, now=now):
        point.sha256, point.size_bytes, point.manifest = sha256, size_bytes, manifest
        point.save()


@transaction.atomic
def mark_verified(*, point_id: int, file: str, is_encrypted: bool, now: datetime) -> None:
    """Count a restore point as verified: stored, and read to its last byte."""
    point = RestorePoint.objects.select_for_update(of=("self",)).get(pk=point_id)
    check_move(POINT_EDGES, start=PointStatus(point.status), end=PointStatus.VERIFIED)
    with recorded(actor=RECOVERY, reason=VERIFIED, now=now):
        point.status, point.verified_at = PointStatus.VERIFIED, now
        point.file, point.is_encrypted = file, is_encrypted
        point.save()


@transaction.atomic
def mark_broken(*, point_id: int, now: datetime) -> None:
    """Count a restore point as of no use: it is never offered again."""
    point = RestorePoint.objects.select_for_update(of=("self",)).get(pk=point_id)
    if point.status in {PointStatus.BROKEN, PointStatus.EXPIRED}:
        return
    check_move(POINT_EDGES, start=PointStatus(point.status), end=PointStatus.BROKEN)
    with recorded(actor=RECOVERY, reason=FOUND_BROKEN, now=now):
        point.status = PointStatus.BROKEN
        point.save()


@transaction.atomic
def describe_point(
    *, point_id: int, label: str, is_kept: bool, actor: Actor, reason: str, now: datetime, seen: int | None = None
) -> RestorePoint:
    """Give a restore point a label, and say whether it is kept whatever the rule says."""
    point = RestorePoint.objects.select_for_update(of=("self",)).get(pk=point_id)
    check_version(point, seen)
    if point.status == PointStatus.EXPIRED:
        raise Refusal("point_expired")
    with recorded(actor=actor, reason=reason, now=now):
        point.label, point.is_kept = " ".join(label.split())[:200], is_kept
        point.save()
    return point


@transaction.atomic
def expire_points(*, target_id: int, now: datetime) -> dict[int, str]:
    """Mark what the rule lets go; return the files to delete, by point, with those that were not deleted before."""
    target = Target.objects.select_for_update(of=("self",)).get(pk=target_id)
    held = target.restore_points.exclude(status=PointStatus.EXPIRED).exclude(status=PointStatus.TAKING)
    needed = _find_needed(target)
    points = [
        Point(
            row.pk,
            row.taken_at,
            is_verified=row.status == PointStatus.VERIFIED,
            is_needed=row.pk in needed,
            is_kept=row.is_kept,
        )
        for row in held
    ]
    gone = choose_expired(points, keep=target.kept_points)
    with recorded(actor=RECOVERY, reason=EXPIRED, now=now):
        for point in held.filter(pk__in=gone):
            point.status, point.expired_at = PointStatus.EXPIRED, now
            point.save()
    expired = target.restore_points.filter(status=PointStatus.EXPIRED).exclude(file="")
    return dict(expired.order_by("pk").values_list("pk", "file"))


@transaction.atomic
def note_removed(*, point_id: int, now: datetime) -> None:
    """Keep that the file of an expired restore point is gone."""
    point = RestorePoint.objects.select_for_update(of=("self",)).get(pk=point_id)
    with recorded(actor=RECOVERY, reason=REMOVED, now=now):
        point.file = ""
        point.save()


def _find_needed(target: Target) -> set[int]:
    """Return the points that the newest deployment may go back to, and those of unfinished operations."""
    found: set[int] = set()
    newest: Deployment | None = target.deployments.first()
    if newest is not None and newest.restore_point_id is not None:
        found.add(newest.restore_point_id)
    wishes = target.operations.filter(status__in=UNFINISHED).values_list("wish", flat=True)
    found |= {wish["restore_point"] for wish in wishes if "restore_point" in wish}
    return found
