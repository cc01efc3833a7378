"""Makes incidents of alerts and of rollbacks of targets: each once, whoever comes first.

As the intake of events (`incidents.intake`): the claim's unique key decides, and claim and incident are one
transaction. ADR 0050 says which of them open an incident.
"""

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat

from core.actors import INTAKE, RECOVERY
from core.reasons import write_reason
from health.domain.alerts import Severity
from health.models import Alert
from incidents.domain.intake_retry import delay_after
from incidents.domain.lifecycle import RUNNING
from incidents.domain.tiers import Tier
from incidents.models import AlertClaim, AlertIntake, AlertMode, Incident, OperationClaim, SourceFault
from incidents.transitions import Finding, add_entry, declare_incident, widen_incident
from incidents.transitions.declaring import OLDEST
from notifications.domain.audience import DRIVERS
from notifications.transitions import publish
from recovery.domain.lifecycle import WAYS_BACK
from recovery.models import Operation

#: First half of an advisory lock's key; the second is the environment: two alerts of a group meet in one incident.
SOURCE_LOCK = 7_140_209
#: What came while nobody took anything in is caught up with for so long.
WITHIN = timedelta(days=1)
MAX_NAME_CHARACTERS = 120
#: By the severity of an alert; what is for information opens none.
TIERS = {Severity.CRITICAL: Tier.CRITICAL, Severity.WARNING: Tier.IMPORTANT}
SEVERITIES = {AlertMode.CRITICAL: (Severity.CRITICAL,), AlertMode.WARNING: (Severity.CRITICAL, Severity.WARNING)}
#: What makes an alert one.
KEY = ("environment_id", "origin", "fingerprint", "started_at")


def list_waiting_alerts(*, now: datetime, limit: int) -> list[int]:
    """Return the alerts that nobody has dealt with, in environments where such alerts open incidents."""
    wanted = Q()
    for intake in AlertIntake.objects.exclude(mode=AlertMode.OFF):
        since = max(intake.since, now - WITHIN)
        severities = [str(one) for one in SEVERITIES[AlertMode(intake.mode)]]
        wanted |= Q(
            environment=intake.environment_id,
            severity__in=severities,
            received_at__gte=since,
            last_received_at__gte=since,
        )
    if not wanted:
        return []
    claims = AlertClaim.objects.filter(**{name: OuterRef(name) for name in KEY})
    rows = Alert.objects.filter(wanted, ~Exists(claims), ~Exists(_faults("alert", now=now)))
    return list(rows.order_by("pk").values_list("pk", flat=True)[:limit])


def list_waiting_operations(*, now: datetime, limit: int) -> list[int]:
    """Return the rollbacks of targets that nobody has dealt with; exercises open none."""
    rows = Operation.objects.filter(kind__in=WAYS_BACK, is_exercise=False, asked_at__gte=now - WITHIN)
    rows = rows.filter(~Exists(_faults("operation", now=now)), incident_claim=None)
    return list(rows.order_by("pk").values_list("pk", flat=True)[:limit])


def _faults(kind: str, *, now: datetime) -> QuerySet[SourceFault]:
    """Return the faults that keep a source waiting."""
    name = Concat(Value(f"{kind}:"), Cast(OuterRef("pk"), CharField()))
    return SourceFault.objects.filter(Q(next_attempt_at__gt=now) | Q(given_up_at__isnull=False), source=name)


@transaction.atomic
def take_in_alert(alert_id: int, *, now: datetime) -> Incident | None:
    """Deal with one alert: a new incident, or the running one of its group or flag.

    None where another worker has it, and where it was over before anybody saw it and nothing runs.
    """
    alert = Alert.objects.select_related("environment", "flag", "site").get(pk=alert_id)
    key = {name: getattr(alert, name) for name in KEY}
    claim, is_new = AlertClaim.objects.get_or_create(**key, defaults={"name": alert.name, "claimed_at": now})
    if not is_new:
        return None
    _lock_place(alert.environment_id)
    incident = _find_group(alert)
    is_over = alert.ended_at is not None and alert.ended_at <= now
    if incident is None and is_over:
        return None
    reason = write_reason("alert_fires", origin=alert.get_origin_display(), alert=alert.name[:MAX_NAME_CHARACTERS])
    flags = [alert.flag.key] if alert.flag else []
    sites = [alert.site.key] if alert.site else []
    # A sender's clock, or whoever has its token, sets no incident's back by more than a person may.
    began = max(min(alert.started_at, now), now - OLDEST)
    tier = TIERS.get(Severity(alert.severity), Tier.IMPORTANT)
    if incident is None:
        incident = declare_incident(
            title=_name_alert(alert),
            tier=tier,
            environment=alert.environment,
            detected_at=began,
            actor=INTAKE,
            reason=reason,
            now=now,
            flag_keys=flags,
            site_keys=sites,
        )
    else:
        finding = Finding(tier=tier, detected_at=began, flag_keys=flags, site_keys=sites)
        widen_incident(incident, finding, actor=INTAKE, reason=reason, now=now)
    claim.incident = incident
    claim.save()
    add_entry(incident, code="alert_fired", actor=INTAKE, now=now, data=say_alert(alert))
    return incident


@transaction.atomic
def take_in_operation(operation_id: int, *, now: datetime) -> Incident | None:
    """Deal with one rollback of a target: a new incident, or the running one that it answers; None where it was."""
    operation = Operation.objects.select_related("target__environment").get(pk=operation_id)
    claim, is_new = OperationClaim.objects.get_or_create(operation=operation, defaults={"claimed_at": now})
    if not is_new:
        return None
    target = operation.target
    _lock_place(target.environment_id)
    reason = write_reason("target_goes_back", target=target.name)
    incident = _find_answered(operation)
    tier, began = _weigh(operation), min(operation.asked_at, now)
    if incident is None:
        incident = declare_incident(
            title=f"↩ {target.name} ({target.environment.key})",
            tier=tier,
            environment=target.environment,
            detected_at=began,
            actor=INTAKE,
            reason=reason,
            now=now,
            operation=operation,
        )
    else:
        finding = Finding(tier=tier, detected_at=began, operation=operation)
        widen_incident(incident, finding, actor=INTAKE, reason=reason, now=now)
    claim.incident = incident
    claim.save()
    add_entry(incident, code="target_rollback_begun", actor=RECOVERY, now=now, data=say_target(operation))
    return incident


@transaction.atomic
def note_source_fault(source: str, *, error: str, now: datetime) -> SourceFault:
    """Note that an alert or operation could not be taken in, and when to try again; the last time, tell people."""
    fault, _ = SourceFault.objects.select_for_update().get_or_create(source=source, defaults={"next_attempt_at": now})
    fault.attempts += 1
    fault.last_error = error.replace("\x00", "")[:500]
    delay = delay_after(fault.attempts)
    if delay is None:
        fault.given_up_at = now
        publish(
            kind="source_intake_failed",
            data={"source": source, "attempts": fault.attempts, "error": fault.last_error[:200]},
            audience=DRIVERS,
            dedupe_key=f"intake-failed:{source}",
            now=now,
            url="/incidents/declare/",
        )
    else:
        fault.next_attempt_at = now + delay
    fault.save()
    return fault


def find_survivor(incident: Incident) -> Incident:
    """Return the incident that another one is part of by now, itself where it is part of none."""
    while incident.merged_into is not None:
        incident = incident.merged_into
    return incident


def _lock_place(environment_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [SOURCE_LOCK, environment_id])


def _find_group(alert: Alert) -> Incident | None:
    """Return the locked running incident that has an alert of this name already, else one with its flag."""
    group = AlertClaim.objects.filter(environment=alert.environment_id, origin=alert.origin, name=alert.name)
    claim = group.filter(incident__isnull=False).select_related("incident").order_by("-pk").first()
    found = None
    if claim is not None and claim.incident is not None:
        found = _lock_running(Q(pk=find_survivor(claim.incident).pk))
    if found is None and alert.flag is not None:
        found = _lock_running(
            Q(environment=alert.environment_id, flag_keys__contains=[alert.flag.key], is_rehearsal=False)
        )
    return found


def _find_answered(operation: Operation) -> Incident | None:
    """Return the locked running incident that a target's rollback answers.

    That of the flags in its procedure; else the only one that runs in the environment: of several, nobody knows.
    """
    part = getattr(operation, "part", None)
    if part is not None and part.procedure.rollback_id is not None:
        found = _lock_running(Q(rollback=part.procedure.rollback_id))
        if found is not None:
            return found
    place = Q(environment=operation.target.environment_id, is_rehearsal=False)
    running = Incident.objects.filter(place, status__in=RUNNING).values_list("pk", flat=True)[:2]
    return _lock_running(Q(pk=running[0])) if len(running) == 1 else None


def _lock_running(condition: Q) -> Incident | None:
    rows = Incident.objects.select_for_update(of=("self",)).select_related("environment")
    return rows.filter(condition, status__in=RUNNING).order_by("-pk").first()


def _weigh(operation: Operation) -> Tier:
    """Return the tier: going back to an image loses nothing; a database may lose sales."""
    return Tier.IMPORTANT if "image" in operation.wish else Tier.CRITICAL


def _name_alert(alert: Alert) -> str:
    place = f" · {alert.site.name}" if alert.site else ""
    return f"{alert.name[:MAX_NAME_CHARACTERS]}{place} ({alert.environment.key})"


def say_alert(alert: Alert) -> dict[str, object]:
    """Return what a timeline keeps of an alert."""
    return {
        "alert": alert.name,
        "summary": alert.summary[:300],
        "site": alert.site.name if alert.site else "",
        "origin": alert.origin,
        "link": alert.link,
    }


def say_target(operation: Operation) -> dict[str, object]:
    """Return what a timeline keeps of a target's rollback."""
    return {"operation": operation.pk, "target": operation.target.name, "by": operation.asked_by}
