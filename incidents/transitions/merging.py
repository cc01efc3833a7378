"""Two incidents that are one event become one, by a person's word; and two again, by another."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from core.actors import Actor
from core.domain.lifecycle import check_move
from core.errors import InvalidInput, Refusal
from core.history import recorded
from core.versions import check_version
from incidents.domain.lifecycle import EDGES, RUNNING, Status
from incidents.domain.merge_gains import Gain, take_out
from incidents.domain.tiers import Tier, higher_tier
from incidents.models import Incident, LinkedComplaint
from incidents.transitions.linking import save_links
from incidents.transitions.locking import add_entry, get_locked_incident
from incidents.transitions.telling import tell_raised

#: Taken over where the other has none.
TAKEN = ("rollout_id", "rollback_id", "operation_id")
#: Made of both values: how one is read from `merge_gains`, and how two become one.
COMBINED: Mapping[str, tuple[Callable[[str], Any], Callable[[Any, Any], Any]]] = {
    "detected_at": (datetime.fromisoformat, min),
    "tier": (Tier, higher_tier),
    "highest_tier": (Tier, higher_tier),
}


@transaction.atomic
def merge_incident(
    *, incident_id: int, into_id: int, actor: Actor, reason: str, now: datetime, seen: int | None = None
) -> Incident:
    """End an incident in a running one of the same environment, which takes over what is known; return the latter.

    Its clock ends there: the other one counts from the earlier detection, by the higher tier.
    """
    if incident_id == into_id:
        raise InvalidInput("merge_with_itself")
    locked = _lock_in_order({incident_id, into_id})
    incident, other = locked[incident_id], locked[into_id]
    check_version(incident, seen)
    if other.environment_id != incident.environment_id or other.is_rehearsal != incident.is_rehearsal:
        raise Refusal("merge_elsewhere", incident=into_id)
    check_move(EDGES, start=Status(incident.status), end=Status.MERGED)
    # What is merged already, or over, takes nothing on: so there are no rings.
    if other.status not in RUNNING:
        raise Refusal("merge_needs_running", incident=into_id)
    reached = other.highest_tier
    with recorded(actor=actor, reason=reason, now=now) as recording:
        gains = _take_over(other, incident, actor=actor, now=now)
        incident.status, incident.merged_into, incident.merged_at = Status.MERGED, other, now
        incident.merge_gains = gains
        # The rollback and the target's belong to one incident at a time: given away first.
        incident.save()
        other.save()
        note = recording.reason
        add_entry(incident, code="merged_into", actor=actor, now=now, note=note, data={"incident": other.pk})
        add_entry(other, code="merged_in", actor=actor, now=now, note=note, data={"incident": incident.pk})
    if other.highest_tier != reached:
        tell_raised(other, now=now)
    return other


@transaction.atomic
def undo_merge(*, incident_id: int, actor: Actor, reason: str, now: datetime, seen: int | None = None) -> Incident:
    """Make two of them again: this one is open, its clock runs from its detection; what it brought goes with it."""
    into_id = Incident.objects.filter(pk=incident_id).values_list("merged_into_id", flat=True).first()
    if into_id is None:
        raise Refusal("not_merged", incident=incident_id)
    if actor.user_id is None:
        raise InvalidInput("undo_needs_person")
    # What a later one found may change with it: all that are merged in are locked at once, in the order of all.
    fellows = Incident.objects.filter(merged_into=into_id).values_list("pk", flat=True)
    locked = _lock_in_order({incident_id, into_id, *fellows})
    incident, other = locked[incident_id], locked[into_id]
    check_version(incident, seen)
    check_move(EDGES, start=Status(incident.status), end=Status.OPEN)
    if incident.merged_into_id != other.pk or other.status not in RUNNING:
        raise Refusal("merge_settled", incident=other.pk)
    later = _list_later(other, incident, locked)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        _give_back(other, incident, later)
        incident.status = Status.OPEN
        incident.merged_into = incident.merged_at = incident.mitigated_at = None
        incident.merge_gains = {}
        other.save()
        incident.save()
        note = recording.reason
        add_entry(incident, code="merge_undone", actor=actor, now=now, note=note, data={"incident": other.pk})
        add_entry(other, code="merge_undone", actor=actor, now=now, note=note, data={"incident": incident.pk})
    return incident


def _lock_in_order(numbers: Collection[int]) -> dict[int, Incident]:
    """Return locked incidents by number; the lowest is locked first, however they are named."""
    return {number: get_locked_incident(number) for number in sorted(numbers)}


def _list_later(other: Incident, incident: Incident, locked: Mapping[int, Incident]) -> list[Incident]:
    """Return what was merged in after an incident, in that order; refuse where one came before the locks did."""
    told = other.timeline.filter(code="merged_in").order_by("pk").values_list("data__incident", flat=True)
    places = {number: place for place, number in enumerate(told)}
    numbers = set(other.merged_in.values_list("pk", flat=True))
    if not numbers <= locked.keys():
        raise Refusal("changed_meanwhile")
    later = [locked[number] for number in numbers if places[number] > places[incident.pk]]
    return sorted(later, key=lambda one: places[one.pk])


def _take_over(other: Incident, incident: Incident, *, actor: Actor, now: datetime) -> dict[str, Any]:
    """Let `other` have what an incident knows; return what it has from it, and what it was before."""
    gains: dict[str, Any] = {
        "detected_at": other.detected_at.isoformat(),
        "tier": other.tier,
        "highest_tier": other.highest_tier,
        "flags": [key for key in incident.flag_keys if key not in other.flag_keys],
        "sites": [key for key in incident.site_keys if key not in other.site_keys],
    }
    other.detected_at = min(other.detected_at, incident.detected_at)
    other.tier = higher_tier(Tier(other.tier), Tier(incident.tier))
    other.highest_tier = higher_tier(Tier(other.highest_tier), Tier(incident.highest_tier))
    other.flag_keys = [*other.flag_keys, *gains["flags"]]
    other.site_keys = [*other.site_keys, *gains["sites"]]
    for name in TAKEN:
        if getattr(other, name) is None and getattr(incident, name) is not None:
            gains[name] = getattr(incident, name)
            setattr(other, name, gains[name])
            setattr(incident, name, None)
    numbers = incident.linked_complaints.order_by("complaint_id").values_list("complaint_id", flat=True)
    gains["complaints"] = [link.complaint_id for link in save_links(other, numbers, actor=actor, now=now)]
    return gains


def _give_back(other: Incident, incident: Incident, later: Sequence[Incident]) -> None:
    """Take from `other` what it has from an incident, as far as it still has it.

    What those merged in later bring as well becomes theirs: undone in any order, each goes by itself.
    """
    gains = incident.merge_gains
    found = {one.pk: dict(one.merge_gains) for one in later}
    for name, (read, combine) in COMBINED.items():
        value, befores = take_out(
            getattr(other, name),
            Gain(read(gains[name]), getattr(incident, name)),
            [Gain(read(one.merge_gains[name]), getattr(one, name)) for one in later],
            combine=combine,
        )
        setattr(other, name, value)
        for one, before in zip(later, befores, strict=True):
            one.merge_gains[name] = before.isoformat() if isinstance(before, datetime) else str(before)
    # The tier may have been changed by hand, and stays then.
    other.highest_tier = higher_tier(Tier(other.highest_tier), Tier(other.tier))
    for name in TAKEN:
        if name in gains and getattr(other, name) == gains[name]:
            setattr(other, name, None)
            setattr(incident, name, gains[name])
    _give_back_links(other, gains, later)
    for one in later:
        if one.merge_gains != found[one.pk]:
            one.save()


def _give_back_links(other: Incident, gains: Mapping[str, Any], later: Sequence[Incident]) -> None:
    flags = set(gains["flags"]) - _leave("flags", gains, [(one, one.flag_keys) for one in later])
    other.flag_keys = [key for key in other.flag_keys if key not in flags]
    sites = set(gains["sites"]) - _leave("sites", gains, [(one, one.site_keys) for one in later])
    other.site_keys = [key for key in other.site_keys if key not in sites]
    linked: dict[int, list[int]] = {one.pk: [] for one in later}
    rows = LinkedComplaint.objects.filter(incident__in=linked, complaint__in=gains["complaints"])
    for incident_id, complaint_id in rows.values_list("incident_id", "complaint_id"):
        linked[incident_id].append(complaint_id)
    complaints = set(gains["complaints"]) - _leave("complaints", gains, [(one, linked[one.pk]) for one in later])
    for link in other.linked_complaints.filter(complaint__in=complaints).order_by("pk"):
        link.delete()


def _leave(name: str, gains: Mapping[str, Any], heirs: Iterable[tuple[Incident, Collection[Any]]]) -> set[Any]:
    """Let the first of those merged in later that brings a gain as well have it; return what stays by that."""
    kept: set[Any] = set()
    for one, brought in heirs:
        taken = [gain for gain in gains[name] if gain in brought and gain not in kept]
        kept.update(taken)
        known = one.merge_gains[name]
        one.merge_gains[name] = [*known, *(gain for gain in taken if gain not in known)]
    return kept
