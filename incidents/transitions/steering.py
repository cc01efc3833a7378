"""The war room's board: what is known now, and what of the checklist is done."""

from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.errors import InvalidInput, Refusal
from incidents.domain.checklist import can_tick
from incidents.domain.tiers import Tier
from incidents.models import Incident, TimelineEntry
from incidents.timeline_queries import read_board
from incidents.transitions.locking import add_entry, check_not_closed, check_text, get_locked_incident

MAX_KNOWN_CHARACTERS = 2_000


@transaction.atomic
def write_known(*, incident_id: int, text: str, actor: Actor, now: datetime, seen: int | None = None) -> TimelineEntry:
    """Write what is known now; refuse where somebody wrote since `seen`, the number of the summary that was read."""
    text = check_text(text, limit=MAX_KNOWN_CHARACTERS)
    incident = get_locked_incident(incident_id)
    check_not_closed(incident)
    if not text:
        raise InvalidInput("known_empty")
    if seen is not None and seen != read_board(incident_id).known_version:
        raise Refusal("changed_meanwhile")
    return add_entry(incident, code="known", actor=actor, now=now, note=text)


@transaction.atomic
def tick_item(*, incident_id: int, item: str, actor: Actor, now: datetime) -> None:
    """Tick an item of the checklist off; one that is ticked stays so, by whom it was."""
    incident = _lock(incident_id, item)
    if item not in read_board(incident_id).ticked:
        add_entry(incident, code="ticked", actor=actor, now=now, data={"item": item})


@transaction.atomic
def untick_item(*, incident_id: int, item: str, actor: Actor, now: datetime) -> None:
    """Take a tick back: it was not done after all."""
    incident = _lock(incident_id, item)
    if item in read_board(incident_id).ticked:
        add_entry(incident, code="unticked", actor=actor, now=now, data={"item": item})


def _lock(incident_id: int, item: str) -> Incident:
    """Return the locked incident; refuse an item that nobody ticks on it."""
    incident = get_locked_incident(incident_id)
    check_not_closed(incident)
    if not can_tick(item, tier=Tier(incident.highest_tier)):
        raise InvalidInput("todo_unknown")
    return incident
