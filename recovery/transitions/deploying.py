"""Writes of deployments."""

from dataclasses import asdict
from datetime import datetime

from django.db import transaction

from core.actors import RECOVERY
from core.history import recorded
from recovery.domain.reversals import Reversal
from recovery.models import Deployment, Operation, RestorePoint, Target

NOTED = "Deployment noted"
MIGRATED = "Deployment migrated"
LIVE = "Deployment live"
ROLLED_BACK = "Deployment rolled back"
WITHDRAWN = "Deployment withdrawn"


@transaction.atomic
def note_deployment(*, operation_id: int, previous_image: str, now: datetime) -> Deployment:
    """Return the record of a deployment, made at its first attempt."""
    operation = Operation.objects.select_for_update(of=("self",)).select_related("target").get(pk=operation_id)
    found = Deployment.objects.filter(operation=operation).first()
    if found is not None:
        return found
    last = operation.target.deployments.filter(image=previous_image).first()
    deployment = Deployment(
        operation=operation,
        target=operation.target,
        version=operation.wish["version"],
        image=operation.wish["image"],
        previous_image=previous_image,
        previous_version=last.version if last else "",
        asked_at=operation.asked_at,
    )
    with recorded(actor=RECOVERY, reason=NOTED, now=now):
        deployment.save()
    return deployment


@transaction.atomic
def note_reversals(*, operation_id: int, reversals: list[Reversal], now: datetime) -> None:
    """Keep the way back behind the migrations that a deployment ran, for going back without a restore point."""
    deployment = Deployment.objects.select_for_update(of=("self",)).get(operation_id=operation_id)
    told = [asdict(one) for one in reversals]
    if deployment.reversals != told:
        with recorded(actor=RECOVERY, reason=MIGRATED, now=now):
            deployment.reversals = told
            deployment.save()


@transaction.atomic
def withdraw_deployment(*, operation_id: int, now: datetime) -> None:
    """Note that a deployment that failed left nothing to take back: the image before runs, no migration stayed."""
    found = Deployment.objects.select_for_update(of=("self",)).filter(operation_id=operation_id).first()
    if found is None or found.live_at or found.reversals or found.rolled_back_at:
        return
    with recorded(actor=RECOVERY, reason=WITHDRAWN, now=now):
        found.rolled_back_at = now
        found.save()


@transaction.atomic
def mark_live(*, operation_id: int, now: datetime) -> int:
    """Note that a deployment was seen running and well; return its number."""
    deployment = Deployment.objects.select_for_update(of=("self",)).get(operation_id=operation_id)
    if deployment.live_at is None:
        with recorded(actor=RECOVERY, reason=LIVE, now=now):
            deployment.live_at, deployment.rolled_back_at = now, None
            deployment.restore_point = RestorePoint.objects.filter(operation_id=operation_id).first()
            deployment.save()
    return deployment.pk


@transaction.atomic
def mark_rolled_back(*, target_id: int, image: str, now: datetime) -> int | None:
    """Note that a target's newest deployment was taken back to an earlier image; return its number."""
    target = Target.objects.select_for_update(of=("self",)).get(pk=target_id)
    deployment = target.deployments.select_for_update(of=("self",)).filter(rolled_back_at=None).first()
    if deployment is None or deployment.image == image:
        return None
    with recorded(actor=RECOVERY, reason=ROLLED_BACK, now=now):
        deployment.rolled_back_at = now
        deployment.save()
    return deployment.pk
