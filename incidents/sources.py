"""What each app has to tell about an incident while it runs: rollouts, flags, recovery, procedures, monitoring, mail.

Each source gives lines with a name of their own, by which a line enters a timeline once. None reads a person's words
that have a retention: a timeline is kept for good.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import CharField, Count, Exists, Max, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat

from core.actors import GUARDRAIL, RECOVERY, SCHEDULER
from flags.models import FlagState
from health.models import Alert, Complaint, ComplaintStatus, Decision
from incidents.models import Incident, TimelineEntry
from notifications.models import Channel, Delivery, DeliveryStatus, Event
from procedures.domain.checklists import ItemState
from procedures.models import Procedure, ProcedureItem
from recovery.domain.lifecycle import PointStatus
from recovery.models import Operation, RestorePoint
from rollouts.models import Rollout, RolloutEvent

#: An alert that began so long before is of the same trouble; one that has fired for days is not.
BEFORE = timedelta(hours=1)
#: At the most so many rows are read of a source in one round; the next round reads on.
MOST = 500


@dataclass(frozen=True)
class Scope:
    """What an incident is about, and from when to when it is written up."""

    incident_id: int
    environment_id: int
    environment_key: str
    rollout_ids: tuple[int, ...]
    flag_keys: tuple[str, ...]
    site_keys: tuple[str, ...]
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Found:
    """A line that a source has: `name` is its own for good."""

    name: str
    at: datetime
    code: str
    actor: str
    data: Mapping[str, object] = field(default_factory=dict)
    note: str = ""


def read_scope(incident: Incident, *, until: datetime) -> Scope:
    """Return what an incident is about: its rollout, and those that bring its flags there."""
    about = Q(pk=incident.rollout_id) if incident.rollout_id else Q(pk=None)
    if incident.flag_keys:
        about |= Q(environment=incident.environment_id, rollout_flags__flag__key__in=incident.flag_keys)
    return Scope(
        incident_id=incident.pk,
        environment_id=incident.environment_id,
        environment_key=incident.environment.key,
        rollout_ids=tuple(Rollout.objects.filter(about).order_by("pk").distinct().values_list("pk", flat=True)),
        flag_keys=tuple(incident.flag_keys),
        site_keys=tuple(incident.site_keys),
        since=incident.detected_at,
        until=until,
    )


def event_name(event_id: int) -> str:
    """Return the name of a rollout's event as a source."""
    return f"event:{event_id}"


def _unwritten(rows: QuerySet[Any], scope: Scope, *, prefix: str, key: str = "pk", suffix: str = "") -> QuerySet[Any]:
    """Return the rows whose lines do not stand in the timeline yet, the first `MOST`: the next round reads on."""
    name = Concat(Value(prefix), Cast(key, CharField()), Value(suffix), output_field=CharField())
    written = TimelineEntry.objects.filter(incident=scope.incident_id, source=OuterRef("line_name"))
    unwritten: QuerySet[Any] = rows.annotate(line_name=name).exclude(Exists(written)).order_by(key)
    return unwritten[:MOST]


def read_events(scope: Scope) -> Iterator[Found]:
    """The rollouts' stories: steps, holds, rollbacks, what guardrails decided, investigations."""
    rows = RolloutEvent.objects.filter(rollout__in=scope.rollout_ids, at__gte=scope.since, at__lte=scope.until)
    for row in _unwritten(rows, scope, prefix="event:"):
        data = {**row.data, "rollout": row.rollout_id}
        yield Found(event_name(row.pk), row.at, row.kind, row.actor_label, data, row.reason)


def read_flags(scope: Scope) -> Iterator[Found]:
    """Switches of the incident's flags there; what a rollout did itself is told by its story."""
    if not scope.flag_keys:
        return
    told = set(
        RolloutEvent.objects.filter(
            rollout__in=scope.rollout_ids, at__gte=scope.since, at__lte=scope.until
        ).values_list("at", flat=True)
    )
    rows = FlagState.history.filter(
        flag__key__in=scope.flag_keys,
        environment=scope.environment_id,
        history_date__gte=scope.since,
        history_date__lte=scope.until,
    ).select_related("flag")
    for row in _unwritten(rows, scope, prefix="flag:", key="history_id"):
        if row.history_date not in told:
            code = "flag_killed" if row.killed_at else "flag_switched_on" if row.is_on else "flag_switched_off"
            data = {"flag": row.flag.key}
            yield Found(
                f"flag:{row.history_id}",
                row.history_date,
                code,
                row.actor_label,
                data,
                row.history_change_reason or "",
            )


def read_operations(scope: Scope) -> Iterator[Found]:
    """What is done to the environment's targets: each state that an operation comes to."""
    rows = Operation.objects.filter(target__environment=scope.environment_id, is_exercise=False)
    rows = rows.filter(Q(ended_at=None) | Q(ended_at__gte=scope.since), asked_at__lte=scope.until)
    operations = {row.pk: row for row in rows.select_related("target")[:MOST]}
    history = Operation.history.filter(id__in=operations, history_date__lte=scope.until).order_by("history_id")
    before: dict[int, str] = {}
    for row in history.values_list("history_id", "id", "status", "history_date", "actor_label"):
        number, operation_id, status, at, actor = row
        is_news = before.get(operation_id) != status and at >= scope.since
        before[operation_id] = status
        if is_news:
            operation = operations[operation_id]
            data = {
                "operation": operation_id,
                "kind": operation.kind,
                "status": status,
                "target": operation.target.name,
            }
            yield Found(f"operation:{number}", at, "operation", actor, data)


def read_points(scope: Scope) -> Iterator[Found]:
    """Restore points that were verified, or found broken."""
    rows = RestorePoint.objects.filter(target__environment=scope.environment_id, status=PointStatus.VERIFIED)
    rows = rows.filter(verified_at__gte=scope.since, verified_at__lte=scope.until).select_related("target")
    for row in rows[:MOST]:
        data = {"target": row.target.name, "version": row.version}
        yield Found(f"point:{row.pk}", row.verified_at or row.taken_at, "point_verified", RECOVERY.label, data)


def read_procedures(scope: Scope) -> Iterator[Found]:
    """Rollbacks as procedures: begun, done, watched to the end, and what was said in their checklists."""
    rows = Procedure.objects.filter(environment=scope.environment_id, begun_at__lte=scope.until)
    rows = rows.filter(Q(ended_at=None) | Q(ended_at__gte=scope.since))
    procedures = list(rows.order_by("-pk")[:MOST])
    for row in procedures:
        for code, at in (("begun", row.begun_at), ("done", row.done_at), ("ended", row.ended_at)):
            if at is not None and scope.since <= at <= scope.until:
                data = {"procedure": row.pk, "kind": row.kind}
                yield Found(f"procedure:{row.pk}:{code}", at, f"procedure_{code}", RECOVERY.label, data)
    items = ProcedureItem.objects.filter(procedure__in=procedures, said_at__gte=scope.since, said_at__lte=scope.until)
    for item in items.exclude(state=ItemState.OPEN)[:MOST]:
        if item.said_at is None:
            continue
        data = {"procedure": item.procedure_id, "item": item.code, "state": item.state}
        name = f"item:{item.pk}:{item.state}:{item.said_at.timestamp():.0f}"
        yield Found(name, item.said_at, "procedure_item", item.said_by, data, item.proof)


def read_decisions(scope: Scope) -> Iterator[Found]:
    """What guardrails did, or would have done."""
    subjects = [f"rollout:{number}" for number in scope.rollout_ids]
    rows = Decision.objects.filter(subject__in=subjects, at__gte=scope.since, at__lte=scope.until)
    for row in _unwritten(rows, scope, prefix="decision:"):
        data = {"lane": row.lane, "act": row.act, "flag": row.flag_key, "n": row.n, "k": row.k}
        yield Found(f"decision:{row.pk}", row.at, "guardrail", GUARDRAIL.label, data)


def read_alerts(scope: Scope) -> Iterator[Found]:
    """Alerts of the environment that began with the trouble or in it, and their end."""
    rows = Alert.objects.filter(environment=scope.environment_id).select_related("site").defer("labels")
    rows = rows.filter(started_at__gte=scope.since - BEFORE, started_at__lte=scope.until)
    over = rows.filter(ended_at__lte=scope.until)
    for row in _unwritten(rows, scope, prefix="alert:", suffix=":fired"):
        yield Found(f"alert:{row.pk}:fired", row.started_at, "alert_fired", row.origin, _describe(row))
    for row in _unwritten(over, scope, prefix="alert:", suffix=":resolved"):
        yield Found(f"alert:{row.pk}:resolved", row.ended_at, "alert_resolved", row.origin, _describe(row))


def _describe(alert: Alert) -> dict[str, object]:
    return {"name": alert.name, "site": alert.site.key if alert.site else "", "severity": alert.severity}


def read_complaints(scope: Scope) -> Iterator[Found]:
    """Complaints about the incident's flags or from its sites, by number: their words have a retention."""
    about = Q(flag__key__in=scope.flag_keys) | Q(site__key__in=scope.site_keys)
    rows = Complaint.objects.filter(about, environment=scope.environment_id)
    rows = rows.filter(logged_at__gte=scope.since, logged_at__lte=scope.until).exclude(status=ComplaintStatus.SPAM)
    rows = rows.select_related("site", "flag", "logged_by")
    for row in _unwritten(rows, scope, prefix="complaint:"):
        data = {"complaint": row.pk, "site": row.site.key, "flag": row.flag.key if row.flag else ""}
        by = str(row.logged_by) if row.logged_by else "—"
        yield Found(f"complaint:{row.pk}", row.logged_at, "complaint", by, data)


def read_messages(scope: Scope) -> Iterator[Found]:
    """What was told of the incident: to how many, when the mails were out, and to whom none could be sent."""
    events = {
        row.pk: row for row in Event.objects.filter(dedupe_key__startswith=f"incident:{scope.incident_id}:")[:MOST]
    }
    people = Delivery.objects.filter(event__in=events, channel=Channel.INBOX)
    counts = dict(people.order_by().values_list("event").annotate(count=Count("pk")))
    for number, event in events.items():
        data = {"kind": event.kind, "people": counts.get(number, 0)}
        yield Found(f"told:{number}", event.created_at, "told", SCHEDULER.label, data)
    yield from _read_mails(events)


def _read_mails(events: Mapping[int, Event]) -> Iterator[Found]:
    mails = Delivery.objects.filter(event__in=events, channel=Channel.EMAIL)
    waits = Q(status__in=[DeliveryStatus.PENDING, DeliveryStatus.SENDING])
    sums = (
        mails.order_by()
        .values("event")
        .annotate(
            sent=Count("pk", filter=Q(status=DeliveryStatus.SENT)), open=Count("pk", filter=waits), at=Max("sent_at")
        )
    )
    for row in sums:
        if not row["open"] and row["sent"]:
            data = {"kind": events[row["event"]].kind, "people": row["sent"]}
            yield Found(f"mailed:{row['event']}", row["at"], "mailed", SCHEDULER.label, data)
    for dead in mails.filter(status=DeliveryStatus.DEAD).select_related("recipient", "event")[:MOST]:
        data = {"kind": dead.event.kind, "person": str(dead.recipient)}
        yield Found(f"unmailed:{dead.pk}", dead.next_attempt_at, "mail_failed", SCHEDULER.label, data)


SOURCES: tuple[Callable[[Scope], Iterator[Found]], ...] = (
    *(read_events, read_flags, read_operations, read_points, read_procedures),
    *(read_decisions, read_alerts, read_complaints, read_messages),
)
