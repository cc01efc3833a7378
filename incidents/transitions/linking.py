"""What belongs to an incident: complaints, flags, sites, its rollout and rollback; each change in its timeline."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.errors import InvalidInput, Refusal
from core.history import recorded
from flags.models import Flag, Site
from health.models import Complaint
from incidents.models import Incident, LinkedComplaint
from incidents.transitions.locking import add_entry, check_not_closed, get_locked_incident
from rollouts.models import Rollback, Rollout

#: Linked by one press; more are linked by the next.
MOST_LINKED = 500


@transaction.atomic
def link_complaints(
    *, incident_id: int, complaint_ids: Collection[int], actor: Actor, reason: str, now: datetime
) -> list[LinkedComplaint]:
    """Link complaints of the incident's environment; those that are linked already stay as they are."""
    incident = get_locked_incident(incident_id)
    check_not_closed(incident)
    wanted = sorted(set(complaint_ids))
    if not wanted or len(wanted) > MOST_LINKED:
        raise InvalidInput("complaints_not_chosen", limit=MOST_LINKED)
    known = set(
        Complaint.objects.filter(pk__in=wanted, environment=incident.environment_id).values_list("pk", flat=True)
    )
    unknown = next((number for number in wanted if number not in known), None)
    if unknown is not None:
        raise InvalidInput("complaint_not_there", complaint=unknown)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        made = save_links(incident, wanted, actor=actor, now=now)
        if made:
            numbers = [link.complaint_id for link in made]
            data = {"complaints": numbers[:50], "count": len(numbers)}
            add_entry(incident, code="complaints_linked", actor=actor, now=now, note=recording.reason, data=data)
    return made


def save_links(incident: Incident, numbers: Iterable[int], *, actor: Actor, now: datetime) -> list[LinkedComplaint]:
    """Link the complaints that are not linked yet, within the caller's recording; return the new links."""
    linked = set(incident.linked_complaints.values_list("complaint_id", flat=True))
    made = []
    for number in numbers:
        if number not in linked:
            link = LinkedComplaint(incident=incident, complaint_id=number, linked_at=now, linked_by_id=actor.user_id)
            link.save()
            made.append(link)
    return made


@transaction.atomic
def unlink_complaint(*, incident_id: int, complaint_id: int, actor: Actor, reason: str, now: datetime) -> None:
    """Say that a complaint is about something else."""
    incident = get_locked_incident(incident_id)
    check_not_closed(incident)
    link = (
        LinkedComplaint.objects.select_for_update(of=("self",))
        .filter(incident=incident, complaint_id=complaint_id)
        .first()
    )
    if link is None:
        raise InvalidInput("complaint_not_there", complaint=complaint_id)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        link.delete()
        data = {"complaints": [complaint_id], "count": 1}
        add_entry(incident, code="complaint_unlinked", actor=actor, now=now, note=recording.reason, data=data)


@transaction.atomic
def change_subject(
    *,
    incident_id: int,
    flag_keys: Sequence[str],
    site_keys: Sequence[str],
    rollout_id: int | None,
    rollback_id: int | None,
    actor: Actor,
    reason: str,
    now: datetime,
    seen: int | None = None,
) -> Incident:
    """Say what an incident is about: its flags, its sites, its rollout, its rollback. A line for each that changes."""
    incident = get_locked_incident(incident_id, seen=seen)
    check_not_closed(incident)
    _check_keys(incident, flag_keys, site_keys)
    _check_rollout(incident, rollout_id, rollback_id)
    changes = {
        "flags_changed": _compare(incident.flag_keys, flag_keys),
        "sites_changed": _compare(incident.site_keys, site_keys),
        "rollout_changed": _compare(_list(incident.rollout_id), _list(rollout_id)),
        "rollback_changed": _compare(_list(incident.rollback_id), _list(rollback_id)),
    }
    found = {code: data for code, data in changes.items() if any(data.values())}
    if not found:
        raise Refusal("links_unchanged", incident=incident_id)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        incident.flag_keys, incident.site_keys = list(dict.fromkeys(flag_keys)), list(dict.fromkeys(site_keys))
        incident.rollout_id, incident.rollback_id = rollout_id, rollback_id
        incident.save()
        for code, data in found.items():
            add_entry(incident, code=code, actor=actor, now=now, note=recording.reason, data=data)
    return incident


def _check_keys(incident: Incident, flag_keys: Sequence[str], site_keys: Sequence[str]) -> None:
    """Refuse a key that nobody knows; what stands there already may stay."""
    fresh = {key for key in flag_keys if key not in incident.flag_keys}
    unknown = fresh - set(Flag.objects.filter(key__in=fresh).values_list("key", flat=True))
    if unknown:
        raise InvalidInput("flag_unknown", flag=min(unknown))
    fresh = {key for key in site_keys if key not in incident.site_keys}
    unknown = fresh - set(Site.objects.filter(key__in=fresh).values_list("key", flat=True))
    if unknown:
        raise InvalidInput("site_unknown", site=min(unknown))


def _check_rollout(incident: Incident, rollout_id: int | None, rollback_id: int | None) -> None:
    place = incident.environment_id
    if rollout_id is not None and not Rollout.objects.filter(pk=rollout_id, environment=place).exists():
        raise InvalidInput("rollout_not_there", rollout=rollout_id)
    if rollback_id is None or rollback_id == incident.rollback_id:
        return
    rows = Rollback.objects.filter(pk=rollback_id, rollout__environment=place, incident=None)
    if not rows.exists():
        raise InvalidInput("rollback_not_there", rollback=rollback_id)


def _compare(old: Sequence[object], new: Sequence[object]) -> dict[str, list[object]]:
    return {"added": [one for one in new if one not in old], "removed": [one for one in old if one not in new]}


def _list(number: int | None) -> list[int]:
    return [] if number is None else [number]
