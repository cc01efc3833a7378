"""Notes in their incidents that alerts are over and how rollbacks of targets ended: each once, under their locks."""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from core.actors import INTAKE, RECOVERY
from health.models import Alert
from incidents.models import AlertClaim, OperationClaim
from incidents.source_intake import KEY, find_survivor, say_alert, say_target
from incidents.transitions import add_entry, get_locked_incident
from recovery.domain.lifecycle import Status


def list_ended_alerts(*, now: datetime, limit: int) -> list[int]:
    """Return the claims whose alert is over and whose incident does not say so yet, oldest first."""
    over = Alert.objects.filter(**{name: OuterRef(name) for name in KEY}, ended_at__lte=now)
    rows = AlertClaim.objects.filter(Exists(over), incident__isnull=False, ended_at=None)
    return list(rows.order_by("pk").values_list("pk", flat=True)[:limit])


def list_ended_operations(*, limit: int) -> list[int]:
    """Return the claims whose rollback is over and whose incident does not say so yet, oldest first."""
    rows = OperationClaim.objects.filter(incident__isnull=False, ended_at=None, operation__ended_at__isnull=False)
    return list(rows.order_by("pk").values_list("pk", flat=True)[:limit])


@transaction.atomic
def note_alert_end(claim_id: int, *, now: datetime) -> bool:
    """Note that an alert is over; False where another worker does, and where its incident is merged right now."""
    rows = AlertClaim.objects.select_for_update(of=("self",), skip_locked=True).select_related("incident")
    claim = rows.filter(pk=claim_id, ended_at=None).first()
    if claim is None or claim.incident is None:
        return False
    incident = get_locked_incident(find_survivor(claim.incident).pk)
    if incident.merged_into_id is not None:
        return False
    alert = Alert.objects.select_related("site").get(**{name: getattr(claim, name) for name in KEY})
    add_entry(incident, code="alert_resolved", actor=INTAKE, now=now, data=say_alert(alert))
    claim.ended_at = alert.ended_at
    claim.save()
    return True


@transaction.atomic
def note_operation_end(claim_id: int, *, now: datetime) -> bool:
    """Note how a rollback of a target ended; False as for an alert."""
    rows = OperationClaim.objects.select_for_update(of=("self",), skip_locked=True)
    claim = rows.select_related("operation__target", "incident").filter(pk=claim_id, ended_at=None).first()
    if claim is None or claim.incident is None:
        return False
    incident = get_locked_incident(find_survivor(claim.incident).pk)
    if incident.merged_into_id is not None:
        return False
    is_back = claim.operation.status == Status.SUCCEEDED
    code = "target_rollback_succeeded" if is_back else "target_rollback_aborted"
    add_entry(incident, code=code, actor=RECOVERY, now=now, data=say_target(claim.operation))
    claim.ended_at = claim.operation.ended_at
    claim.save()
    return True
