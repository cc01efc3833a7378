"""People's notes in the timeline, with what shows it, and what is pinned on top. A note stays as it was written."""

from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.errors import InvalidInput, Refusal
from flags.pictures import make_small
from flags.transitions.picturing import keep_picture
from incidents.models import Incident, TimelineEntry
from incidents.timeline_queries import read_board
from incidents.transitions.locking import add_entry, check_text, get_locked_incident

MAX_ALT_CHARACTERS = 300
#: More would push away what happens now.
MOST_PINNED = 10


@transaction.atomic
def add_note(
    *,
    incident_id: int,
    note: str,
    actor: Actor,
    now: datetime,
    corrects: int | None = None,
    picture: bytes = b"",
    picture_alt: str = "",
) -> TimelineEntry:
    """Add a person's words to the timeline, or a picture with words that say what it shows.

    `corrects` is the note of before that these words put right; `picture` is the file as it was uploaded.
    """
    note, picture_alt = check_text(note), " ".join(check_text(picture_alt, limit=MAX_ALT_CHARACTERS).split())
    if not note and not picture:
        raise InvalidInput("note_empty")
    if picture and not picture_alt:
        raise InvalidInput("picture_untold")
    # Decoding takes its time: before the lock.
    small = make_small(picture) if picture else None
    incident = get_locked_incident(incident_id)
    return add_entry(
        incident,
        code="note",
        actor=actor,
        now=now,
        note=note,
        corrects=_find_note(incident, corrects),
        picture=keep_picture(small) if small else None,
        picture_alt=picture_alt if small else "",
    )


@transaction.atomic
def pin_entry(*, incident_id: int, entry_id: int, actor: Actor, now: datetime) -> None:
    """Pin a line on top of the timeline; one that is pinned already stays so, whoever pinned it."""
    incident = get_locked_incident(incident_id)
    _check_entry(incident, entry_id)
    pinned = read_board(incident_id).pinned
    if entry_id in pinned:
        return
    if len(pinned) >= MOST_PINNED:
        raise Refusal("pinned_too_many", limit=MOST_PINNED)
    add_entry(incident, code="pinned", actor=actor, now=now, data={"entry": entry_id})


@transaction.atomic
def unpin_entry(*, incident_id: int, entry_id: int, actor: Actor, now: datetime) -> None:
    """Take a line from the top; it stays where it stands in the timeline."""
    incident = get_locked_incident(incident_id)
    _check_entry(incident, entry_id)
    if entry_id in read_board(incident_id).pinned:
        add_entry(incident, code="unpinned", actor=actor, now=now, data={"entry": entry_id})


def _check_entry(incident: Incident, entry_id: int) -> None:
    if not incident.timeline.filter(pk=entry_id).exists():
        raise InvalidInput("entry_unknown")


def _find_note(incident: Incident, entry_id: int | None) -> TimelineEntry | None:
    """Return the note of this incident that is put right; refuse anything else."""
    if entry_id is None:
        return None
    found = incident.timeline.filter(pk=entry_id, code="note").first()
    if found is None:
        raise InvalidInput("entry_unknown")
    return found
