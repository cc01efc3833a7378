"""Makes incidents of rollouts' events: each event once, whoever comes first.

An event and what is made of it are one transaction; a fault in one event leaves it for a later
round and stops no other. The clock starts at detection, so a delay here costs no truth.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import reduce

from django.db import connection, transaction
from django.db.models import Q

from core.actors import GUARDRAIL, INTAKE, Actor, ActorKind
from flags.models import Criticality, Flag
from incidents.domain.intake_retry import delay_after
from incidents.domain.lifecycle import RUNNING
from incidents.domain.merging import Running, belongs_to
from incidents.domain.tiers import Tier, higher_tier
from incidents.models import Incident, IntakeClaim, IntakeFault
from incidents.sources import event_name
from incidents.transitions import Finding, add_entry, declare_incident, widen_incident
from notifications.domain.audience import DRIVERS
from notifications.transitions import publish
from rollouts.models import Rollback, RolloutEvent

KINDS = ("flag_rolled_back", "site_rolled_back", "phase_rolled_back", "rolled_back", "complaint_limit_reached")
#: A rollout that a guardrail holds is out of order. What it observes or has looked into opens none: there, somebody
#: looks already, with a deadline of their own (ADR 0050). It is noted in the incident of its rollout where one runs.
HELD = "held"
NOTED = ("guardrail_investigate", "complaints_investigate", "pilots_complain")
#: Holds and notes of before this installation knew them are nobody's news.
WITHIN = timedelta(days=1)
#: First half of an advisory lock's key; the second is the rollout.
INTAKE_LOCK = 7_140_202
#: Flags whose names take more are counted: a title is read at a glance, and is never cut.
MOST_NAMED_CHARACTERS = 60
_TIER = {
    Criticality.CRITICAL: Tier.CRITICAL,
    Criticality.IMPORTANT: Tier.IMPORTANT,
    Criticality.MINOR: Tier.MINOR,
}


def list_waiting(*, limit: int, now: datetime | None = None) -> list[int]:
    """Return the events that nobody has dealt with, oldest first; failed ones when they are due again."""
    held = Q(kind=HELD, actor_label=GUARDRAIL.label, actor_kind=GUARDRAIL.kind)
    held &= ~Q(data__has_key="investigation")
    lately = Q() if now is None else Q(at__gte=now - WITHIN)
    wanted = Q(kind__in=KINDS) | (lately & (held | Q(kind__in=NOTED)))
    rows = RolloutEvent.objects.filter(wanted, intake_claim=None, intake_fault__given_up_at=None)
    if now is not None:
        rows = rows.filter(Q(intake_fault=None) | Q(intake_fault__next_attempt_at__lte=now))
    return list(rows.order_by("pk").values_list("pk", flat=True)[:limit])


@transaction.atomic
def take_in(event_id: int, *, now: datetime) -> Incident | None:
    """Deal with one event: a new incident, or the running one it belongs to.

    None where another worker has it, and where it opens none and none runs that it belongs to.
    """
    event = RolloutEvent.objects.select_related("rollout__environment", "rollout__release").get(pk=event_id)
    # The claim's primary key decides: a second worker waits here and then finds it taken. The event
    # itself cannot be locked, since the application has no right to update an append-only table.
    _claim, is_new = IntakeClaim.objects.get_or_create(event=event, defaults={"claimed_at": now})
    if not is_new:
        return None
    with connection.cursor() as cursor:
        # Not the rollout's row: a slow intake must never keep a rollback waiting.
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [INTAKE_LOCK, event.rollout_id])
    incident = _find_running(event, now=now)
    if incident is None and event.kind in NOTED:
        return None
    if incident is None:
        incident = _open(event, now=now)
    elif event.kind not in NOTED:
        finding = Finding(
            tier=_tier(event),
            detected_at=_detected_at(event, now=now),
            flag_keys=_keys(event, "flags"),
            site_keys=_keys(event, "sites"),
            rollback=_find_rollback(event),
        )
        widen_incident(incident, finding, actor=INTAKE, reason=event.reason, now=now)
    # Who did it, not who wrote it down.
    actor = Actor(kind=ActorKind(event.actor_kind), label=event.actor_label, user_id=event.actor_user_id)
    source = event_name(event.pk)
    add_entry(incident, code=event.kind, actor=actor, now=event.at, note=event.reason, data=event.data, source=source)
    return incident


@transaction.atomic
def note_fault(event_id: int, *, error: str, now: datetime) -> IntakeFault:
    """Note that an event could not be taken in, and when to try again; the last time, tell people."""
    fault, _ = IntakeFault.objects.select_for_update().get_or_create(
        event_id=event_id, defaults={"attempts": 0, "next_attempt_at": now}
    )
    fault.attempts += 1
    fault.last_error = error.replace("\x00", "")[:500]
    delay = delay_after(fault.attempts)
    if delay is None:
        fault.given_up_at = now
        _tell_given_up(fault, now=now)
    else:
        fault.next_attempt_at = now + delay
    fault.save()
    return fault


def _tell_given_up(fault: IntakeFault, *, now: datetime) -> None:
    event = fault.event
    publish(
        kind="intake_failed",
        data={
            "release": event.rollout.release.version,
            "attempts": fault.attempts,
            "error": fault.last_error[:200],
        },
        audience=DRIVERS,
        dedupe_key=f"intake-failed:{event.pk}",
        now=now,
        url=f"/rollouts/{event.rollout_id}/",
    )


def _find_running(event: RolloutEvent, *, now: datetime) -> Incident | None:
    """Return the locked running incident of the rollout that the event belongs to, the newest first."""
    rows = Incident.objects.filter(rollout_id=event.rollout_id, status__in=RUNNING).select_related("environment")
    for incident in rows.select_for_update(of=("self",)).order_by("-pk"):
        running = Running(detected_at=incident.detected_at, flag_keys=frozenset(incident.flag_keys))
        if belongs_to(running, detected_at=_detected_at(event, now=now), flag_keys=frozenset(_keys(event, "flags"))):
            return incident
    return None


def _open(event: RolloutEvent, *, now: datetime) -> Incident:
    flags = _keys(event, "flags")
    return declare_incident(
        title=_name(event, flags),
        tier=_tier(event),
        environment=event.rollout.environment,
        detected_at=_detected_at(event, now=now),
        actor=INTAKE,
        reason=event.reason,
        now=now,
        rollout=event.rollout,
        rollback=_find_rollback(event),
        flag_keys=flags,
        site_keys=_keys(event, "sites"),
        is_rehearsal=bool(event.data.get("is_rehearsal", event.rollout.is_rehearsal)),
    )


def _name(event: RolloutEvent, flags: Sequence[str]) -> str:
    """Return a title of names, without a word of any one language: the timeline says in the reader's what happened."""
    if not flags:
        return str(event.rollout)
    names = dict(Flag.objects.filter(key__in=flags).values_list("key", "name"))
    named = ", ".join(names.get(key, key) for key in flags)
    what = named if len(named) <= MOST_NAMED_CHARACTERS else f"{len(flags)} flags"
    brought = f"{event.rollout.release.version} · {what} ({event.rollout.environment.key})"
    return f"↩ {event.data['audience']} · {brought}" if event.kind == "site_rolled_back" else brought


def _tier(event: RolloutEvent) -> Tier:
    if event.kind == HELD:
        weights = Flag.objects.filter(key__in=_keys(event, "flags")).values_list("criticality", flat=True)
        return (
            reduce(higher_tier, (_TIER[Criticality(one)] for one in weights), Tier.MINOR) if weights else Tier.IMPORTANT
        )
    return _TIER[Criticality(event.data.get("criticality", Criticality.IMPORTANT))]


def _detected_at(event: RolloutEvent, *, now: datetime) -> datetime:
    said = event.at if event.kind in (HELD, *NOTED) else datetime.fromisoformat(event.data["detected_at"])
    return min(said, now)


def _find_rollback(event: RolloutEvent) -> Rollback | None:
    return Rollback.objects.filter(pk=event.data.get("rollback_id"), incident=None).first()


def _keys(event: RolloutEvent, name: str) -> list[str]:
    return [str(key) for key in event.data.get(name, [])]
