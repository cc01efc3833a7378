"""Drives an incident from open to closed. `seen` is the version that the person had before their eyes."""

from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.domain.lifecycle import check_move
from core.errors import InvalidInput, Refusal
from core.history import recorded
from incidents.domain.lifecycle import EDGES, RUNNING, Status
from incidents.domain.tiers import Tier, higher_tier
from incidents.learning_queries import list_closing_gaps
from incidents.models import Incident
from incidents.transitions.locking import add_entry, check_not_closed, get_locked_incident
from incidents.transitions.telling import tell_raised, tell_reopened
from incidents.transitions.writing import void_review

RAISED = "Tier raised"


@transaction.atomic
def acknowledge_incident(
    *, incident_id: int, actor: Actor, reason: str, now: datetime, seen: int | None = None
) -> Incident:
    """Take command: somebody is at it. Taking it over from another is the same, with a reason."""
    incident = get_locked_incident(incident_id, seen=seen)
    if actor.user_id is None:
        raise InvalidInput("command_needs_person")
    if incident.status not in RUNNING:
        raise Refusal("wrong_state", start=incident.status, end=str(Status.MITIGATED))
    if incident.commander_id == actor.user_id:
        raise Refusal("already_acknowledged", incident=incident_id)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        code = "acknowledged" if incident.commander_id is None else "handed_over"
        incident.acknowledged_at = incident.acknowledged_at or now
        incident.commander_id = actor.user_id
        incident.save()
        add_entry(incident, code=code, actor=actor, now=now, note=recording.reason)
    return incident


@transaction.atomic
def mitigate_incident(
    *, incident_id: int, actor: Actor, reason: str, now: datetime, seen: int | None = None
) -> Incident:
    """Note that the harm has stopped; the clock runs on until restoration is verified."""
    incident = get_locked_incident(incident_id, seen=seen)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        check_move(EDGES, start=Status(incident.status), end=Status.MITIGATED)
        incident.status = Status.MITIGATED
        incident.mitigated_at = now
        incident.save()
        add_entry(incident, code="mitigated", actor=actor, now=now, note=recording.reason)
    return incident


@transaction.atomic
def confirm_restored(
    *,
    incident_id: int,
    actor: Actor,
    reason: str,
    now: datetime,
    seen: int | None = None,
    verified_by_id: int | None = None,
) -> Incident:
    """Note that a person verified the restoration: the clock stops, the incident is resolved.

    `verified_by_id` names the person where a program writes it down.
    """
    incident = get_locked_incident(incident_id, seen=seen)
    person_id = actor.user_id or verified_by_id
    if person_id is None:
        raise InvalidInput("restoration_needs_person")
    with recorded(actor=actor, reason=reason, now=now) as recording:
        check_move(EDGES, start=Status(incident.status), end=Status.RESOLVED)
        incident.status = Status.RESOLVED
        incident.restored_at = now
        incident.restored_by_id = person_id
        incident.save()
        add_entry(incident, code="restored", actor=actor, now=now, note=recording.reason)
    return incident


@transaction.atomic
def reopen_incident(*, incident_id: int, actor: Actor, reason: str, now: datetime, seen: int | None = None) -> Incident:
    """Open again what was not over: the clock runs from detection, as if it had never stopped."""
    incident = get_locked_incident(incident_id, seen=seen)
    if incident.status == Status.MERGED:
        # `undo_merge` gives back what the other one has from it.
        raise Refusal("incident_merged", incident=incident_id, into=incident.merged_into_id)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        check_move(EDGES, start=Status(incident.status), end=Status.OPEN)
        incident.status = Status.OPEN
        incident.restored_at = incident.restored_by = incident.mitigated_at = None
        incident.save()
        void_review(incident, incident.post_mortem, actor=actor, now=now)
        entry = add_entry(incident, code="reopened", actor=actor, now=now, note=recording.reason)
    tell_reopened(incident, entry=entry, now=now)
    return incident


@transaction.atomic
def close_incident(*, incident_id: int, actor: Actor, reason: str, now: datetime, seen: int | None = None) -> Incident:
    """Close what is resolved and learnt from; refuse with all that is missing."""
    incident = get_locked_incident(incident_id, seen=seen)
    check_move(EDGES, start=Status(incident.status), end=Status.CLOSED)
    gaps = list_closing_gaps(incident, incident.post_mortem)
    if gaps:
        raise Refusal("post_mortem_incomplete", incident=incident_id, gaps=gaps)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        incident.status = Status.CLOSED
        incident.save()
        add_entry(incident, code="closed", actor=actor, now=now, note=recording.reason)
    return incident


@transaction.atomic
def change_tier(
    *, incident_id: int, tier: Tier, actor: Actor, reason: str, now: datetime, seen: int | None = None
) -> Incident:
    """Change the tier: raising is free, lowering wants a reason; the highest one reached counts for the clock."""
    incident = get_locked_incident(incident_id, seen=seen)
    check_not_closed(incident)
    old = Tier(incident.tier)
    if tier == old:
        raise Refusal("tier_unchanged", incident=incident_id)
    is_raised = higher_tier(old, tier) == tier
    with recorded(actor=actor, reason=reason.strip() or (RAISED if is_raised else ""), now=now):
        reached = Tier(incident.highest_tier)
        incident.tier = tier
        incident.highest_tier = higher_tier(reached, tier)
        incident.save()
        add_entry(incident, code="tier_changed", actor=actor, now=now, note=reason.strip(), data={"tier": str(tier)})
    if incident.highest_tier != reached and incident.status in RUNNING:
        tell_raised(incident, now=now)
    return incident
