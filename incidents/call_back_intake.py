"""Finds who is to be called back: when something was taken back, and when an incident is restored.

Each cause once for a complaint, whoever comes first (ADR 0052): a rollback by its claim, a restored incident by the
keys of its causes, so that a complaint linked afterwards is called back as well.
"""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from core.actors import INTAKE
from core.history import create_many, recorded
from core.reasons import write_reason
from health.models import Complaint, ComplaintStatus
from incidents.domain.calling_back import LOOK_BACK, OPEN, WITHIN, CallState, Cause, KnownCall, find_call
from incidents.models import CallBack, CallBackCause, CallBackClaim, Incident, LinkedComplaint
from incidents.transitions.calling_back import settle_call
from incidents.transitions.telling_calls import tell_calls_due
from rollouts.models import Investigation, Rollback, Scope

#: Called by one event; more than any shop telephones, and never an endless transaction.
MOST_CALLED = 2_000


def list_waiting_rollbacks(*, now: datetime, limit: int) -> list[int]:
    """Return the real rollbacks whose complainants nobody has looked up, the oldest first."""
    rows = Rollback.objects.filter(contained_at__gte=now - WITHIN, rollout__is_rehearsal=False, call_back_claim=None)
    return list(rows.order_by("pk").values_list("pk", flat=True)[:limit])


@transaction.atomic
def take_in_rollback(rollback_id: int, *, now: datetime) -> int:
    """Make the calls due that a rollback asks for; return how many. None where another worker was first."""
    rows = Rollback.objects.select_related("rollout__environment", "rollout__release", "phase")
    rollback = rows.get(pk=rollback_id)
    # The claim's primary key decides: a second worker waits here and then finds it taken.
    _claim, is_new = CallBackClaim.objects.get_or_create(rollback=rollback, defaults={"claimed_at": now})
    if not is_new:
        return 0
    found = _list_complained(rollback).order_by("-pk").values_list("pk", flat=True)[:MOST_CALLED]
    cause = CallBackCause(rollback=rollback, at=rollback.contained_at)
    made = _make_due(list(found), cause, Cause(frozenset({rollback_id})), now=now)
    if made:
        tell_calls_due(
            made,
            what=str(rollback.rollout),
            environment=rollback.rollout.environment,
            key=f"rollback:{rollback_id}",
            now=now,
        )
    return made


def _list_complained(rollback: Rollback) -> QuerySet[Complaint]:
    """Return the complaints about what a rollback took back, where it took it back, and those that led to it."""
    flags = rollback.rollback_flags.values("flag_id")
    since = max(rollback.rollout.created_at, rollback.contained_at - LOOK_BACK)
    about = Q(flag__in=flags, logged_at__gte=since, logged_at__lte=rollback.contained_at)
    if rollback.scope == Scope.SITE:
        about &= Q(site=rollback.site_id)
    if rollback.phase is not None:
        about &= Q(logged_at__gte=rollback.phase.starts_at)
        sites = list(rollback.phase.steps.exclude(site=None).values_list("site_id", flat=True).distinct())
        about &= Q(site__in=sites) if sites else Q()
    counted = Investigation.objects.filter(rollback=rollback)
    numbers = [number for one in counted if not one.is_of_lane for number in one.complaint_ids]
    return Complaint.objects.filter(about | Q(pk__in=numbers), environment=rollback.rollout.environment_id)


def list_restored(*, now: datetime, limit: int) -> list[int]:
    """Return the real incidents restored lately with a complaint whose call was not made due by that restoration."""
    rows = Incident.objects.filter(restored_at__gte=now - WITHIN, is_rehearsal=False)
    rows = rows.filter(Exists(_list_uncalled().filter(incident=OuterRef("pk"))))
    return list(rows.order_by("pk").values_list("pk", flat=True)[:limit])


def _list_uncalled() -> QuerySet[LinkedComplaint]:
    called = CallBackCause.objects.filter(
        complaint=OuterRef("complaint"), incident=OuterRef("incident"), at=OuterRef("incident__restored_at")
    )
    return LinkedComplaint.objects.filter(~Exists(called)).exclude(complaint__status=ComplaintStatus.SPAM)


@transaction.atomic
def take_in_restored(incident_id: int, *, now: datetime) -> int:
    """Make the calls due that a restored incident asks for; return how many."""
    rows = Incident.objects.select_for_update(of=("self",), skip_locked=True).select_related("environment")
    incident = rows.filter(pk=incident_id).first()
    # Another worker or a person is at it, or it was opened again meanwhile: the next round sees.
    if incident is None or incident.restored_at is None:
        return 0
    found = _list_uncalled().filter(incident=incident).order_by("complaint_id").values_list("complaint_id", flat=True)
    cause = CallBackCause(incident=incident, at=incident.restored_at)
    event = Cause(_list_rollbacks(incident), incident.pk)
    made = _make_due(list(found[:MOST_CALLED]), cause, event, now=now)
    if made:
        key = f"incident:{incident.pk}:{incident.restored_at.isoformat()}"
        tell_calls_due(
            made, what=f"#{incident.pk} {incident.title}", environment=incident.environment, key=key, now=now
        )
    return made


def _list_rollbacks(incident: Incident) -> frozenset[int]:
    """Return the rollbacks that are one event with an incident: its own, and those of its rollout while it ran."""
    about = Q(pk=incident.rollback_id)
    if incident.rollout_id is not None:
        about |= Q(
            rollout=incident.rollout_id,
            contained_at__gte=incident.detected_at,
            contained_at__lte=incident.restored_at,
        )
    return frozenset(Rollback.objects.filter(about).values_list("pk", flat=True))


def _make_due(numbers: Collection[int], cause: CallBackCause, event: Cause, *, now: datetime) -> int:
    """Let each complaint have a call by a cause: the one that covers it, or a new one; return how many are new."""
    # The complaints' locks keep two causes of one complaint from making two calls at once.
    rows = Complaint.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=numbers)
    complaints = list(rows.exclude(status=ComplaintStatus.SPAM).order_by("pk"))
    known = _map_known(complaints)
    covered: dict[int, int] = {}
    fresh: list[CallBack] = []
    for one in complaints:
        call = find_call(event, known=known.get(one.pk, ()))
        if call is None:
            place = {"environment_id": one.environment_id, "site_id": one.site_id}
            fresh.append(CallBack(complaint=one, due_at=now, **place))
        else:
            covered[one.pk] = call.number
    with recorded(actor=INTAKE, reason=write_reason("call_due"), now=now):
        create_many(fresh)
    covered |= {call.complaint_id: call.pk for call in fresh}
    made = {"rollback_id": cause.rollback_id, "incident_id": cause.incident_id, "at": cause.at}
    CallBackCause.objects.bulk_create(
        [CallBackCause(call_back_id=call, complaint_id=number, **made) for number, call in covered.items()]
    )
    return len(fresh)


def _map_known(complaints: Collection[Complaint]) -> dict[int, list[KnownCall]]:
    rows = CallBack.objects.select_for_update(of=("self",)).filter(complaint__in=complaints).order_by("pk")
    found: dict[int, list[KnownCall]] = {}
    for row in rows.prefetch_related("causes"):
        causes = row.causes.all()
        found.setdefault(row.complaint_id, []).append(
            KnownCall(
                number=row.pk,
                state=CallState(row.state),
                rollback_ids=frozenset(one.rollback_id for one in causes if one.rollback_id is not None),
                incident_ids=frozenset(one.incident_id for one in causes if one.incident_id is not None),
            )
        )
    return found


def list_moot(*, limit: int) -> list[int]:
    """Return the open calls that nothing asks for any more: opened again, unlinked, or no complaint at all."""
    return list(_find_moot().order_by("pk").values_list("pk", flat=True)[:limit])


def _find_moot() -> QuerySet[CallBack]:
    linked = LinkedComplaint.objects.filter(incident=OuterRef("incident"), complaint=OuterRef("complaint"))
    holds = Q(rollback__isnull=False) | Q(Exists(linked), incident__restored_at=F("at"))
    standing = CallBackCause.objects.filter(holds, call_back=OuterRef("pk"))
    is_spam = Q(complaint__status=ComplaintStatus.SPAM)
    return CallBack.objects.filter(~Exists(standing) | is_spam, state__in=OPEN)


@transaction.atomic
def withdraw_call(call_id: int, *, now: datetime) -> bool:
    """Note that a call is not needed; False where somebody was faster, or something asks for it again."""
    call = CallBack.objects.select_for_update(of=("self",), skip_locked=True).filter(pk=call_id).first()
    # Asked on the locked call: whatever lets it have another cause holds this lock.
    if call is None or not _find_moot().filter(pk=call_id).exists():
        return False
    is_spam = call.complaint.status == ComplaintStatus.SPAM
    reason = write_reason("call_of_no_complaint" if is_spam else "call_not_over")
    settle_call(call, CallState.NOT_NEEDED, actor=INTAKE, reason=reason, note=reason, now=now)
    return True
