"""What every write of incidents begins with: the lock, what the person saw, readable words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.actors import Actor
from core.errors import InvalidInput, Refusal
from core.versions import check_version
from incidents.domain.lifecycle import Status
from incidents.models import Incident, TimelineEntry

MAX_TEXT_CHARACTERS = 10_000


def get_locked_incident(incident_id: int, *, seen: int | None = None) -> Incident:
    """Return the locked incident; refuse an unknown one, and one changed since `seen` (its last history row)."""
    incident = (
        Incident.objects.select_for_update(of=("self",)).select_related("environment").filter(pk=incident_id).first()
    )
    if incident is None:
        raise InvalidInput("incident_unknown", incident=incident_id)
    check_version(incident, seen)
    return incident


def check_not_closed(incident: Incident) -> None:
    """Refuse to change what is closed, or has become part of another."""
    if incident.status == Status.CLOSED:
        raise Refusal("incident_closed", incident=incident.pk)
    if incident.status == Status.MERGED:
        raise Refusal("incident_merged", incident=incident.pk, into=incident.merged_into_id)


def check_text(text: str, *, limit: int = MAX_TEXT_CHARACTERS) -> str:
    """Return the text without surrounding space; refuse what is endless or cannot be stored."""
    text = text.strip()
    if len(text) > limit:
        raise InvalidInput("text_too_long", limit=limit)
    if "\x00" in text:
        raise InvalidInput("text_unreadable")
    return text


def add_entry(
    incident: Incident,
    *,
    code: str,
    actor: Actor,
    now: datetime,
    note: str = "",
    data: Mapping[str, object] | None = None,
    **more: Any,
) -> TimelineEntry:
    """Append a line to the timeline of a locked incident; what its `source` names stands there once."""
    source = more.get("source", "")
    known = incident.timeline.filter(source=source).first() if source else None
    return known or TimelineEntry.objects.create(
        incident=incident, at=now, code=code, data=dict(data or {}), note=note, actor_label=actor.label[:200], **more
    )
