"""What people are told of an incident."""

from datetime import datetime

from core.models import User
from incidents.domain.escalation import DueWarning, list_told
from incidents.domain.tiers import WARNINGS, Tier, deadline_of
from incidents.models import Incident, IncidentUpdate, TimelineEntry
from notifications.domain.audience import CREW, DRIVERS, Audience
from notifications.queries import list_people
from notifications.transitions import publish

#: By the share of the time that is used.
KINDS = dict(zip(WARNINGS, ("incident_half", "incident_short", "incident_missed"), strict=True))


def say_incident(incident: Incident) -> dict[str, object]:
    """Return what a message about an incident needs."""
    deadline = deadline_of(detected_at=incident.detected_at, tier=Tier(incident.highest_tier))
    return {
        "number": incident.pk,
        "tier": incident.tier,
        "title": incident.title,
        "environment": incident.environment.key,
        "deadline": deadline.isoformat(timespec="minutes"),
        "site_keys": incident.site_keys,
        "is_rehearsal": incident.is_rehearsal,
    }


def find_commander(incident: Incident) -> User | None:
    """Return who commands an incident, None where nobody does or whoever did has left."""
    commander = incident.commander
    return commander if commander is not None and commander.is_active else None


def tell_opened(incident: Incident, *, now: datetime) -> None:
    """Tell that an incident is open and its clock runs."""
    _tell(incident, kind="incident_opened", key="opened", now=now)


def tell_raised(incident: Incident, *, now: datetime) -> None:
    """Tell that an incident is graver than before; each tier once."""
    _tell(incident, kind="incident_raised", key=f"raised:{incident.highest_tier}", now=now)


def tell_reopened(incident: Incident, *, entry: TimelineEntry, now: datetime) -> None:
    """Tell that an incident was not over and its clock counts on."""
    _tell(incident, kind="incident_reopened", key=f"reopened:{entry.pk}", now=now, reason=entry.note)


def tell_word(incident: Incident, *, update: IncidentUpdate, now: datetime) -> None:
    """Tell the crew what the public was told: whoever picks up the phone says the same."""
    french, english = update.text_fr or update.text_en, update.text_en or update.text_fr
    _tell(incident, kind="incident_word", key=f"word:{update.pk}", now=now, text_fr=french, text_en=english)


def tell_word_overdue(incident: Incident, *, due_at: datetime, now: datetime) -> bool:
    """Tell whoever commands, else the crew, that the public waits for a word; False where that was told."""
    commander = find_commander(incident)
    return _tell(
        incident,
        kind="incident_word_due",
        key=f"word-due:{due_at.isoformat()}",
        now=now,
        audience=Audience(user_ids=frozenset({commander.pk})) if commander else None,
        due=due_at.isoformat(timespec="minutes"),
    )


def tell_deadline(incident: Incident, *, due: DueWarning, now: datetime) -> None:
    """Tell how much of an incident's time is left, or how long it is over, to whom that share concerns; once each."""
    left = deadline_of(detected_at=incident.detected_at, tier=Tier(incident.highest_tier)) - now
    commander = find_commander(incident)
    told = list_told(due.percent, commander_id=commander.pk if commander else None, is_rehearsal=incident.is_rehearsal)
    _tell(
        incident,
        kind="incident_overdue" if due.overdue_hours else KINDS[due.percent],
        key=f"warning:{due.percent}" + (f":{due.overdue_hours}" if due.overdue_hours else ""),
        now=now,
        # Where nobody holds the role that is asked for, those who drive are told.
        audience=told if list_people(told) else DRIVERS,
        percent=due.percent,
        person=str(commander or ""),
        left=max(0, int(left.total_seconds())),
        late=max(0, int(-left.total_seconds())),
    )


def _tell(
    incident: Incident, *, kind: str, key: str, now: datetime, audience: Audience | None = None, **more: object
) -> bool:
    event = publish(
        kind=kind,
        data={**say_incident(incident), **more},
        audience=audience or (DRIVERS if incident.is_rehearsal else CREW),
        dedupe_key=f"incident:{incident.pk}:{key}",
        now=now,
        url=f"/incidents/{incident.pk}/",
    )
    return event is not None
