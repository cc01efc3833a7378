"""Reads of the timeline: its pages by key, what is new, what stands on the board, what the public was told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Q, QuerySet

from incidents.domain.board import BOARD_CODES, Board, Deed, fold
from incidents.domain.lifecycle import Status
from incidents.domain.words import LastWord, WordStatus, next_word_due
from incidents.models import Incident, IncidentUpdate, TimelineEntry

#: Lines that the intake wrote before lines named their source.
UNSOURCED = ("flag_rolled_back", "site_rolled_back", "phase_rolled_back", "rolled_back", "complaint_limit_reached")
AUTOMATIC = ~Q(source="") | Q(code__in=UNSOURCED)
PAGE_SIZE = 50
#: So long after a restoration people are reminded that its end was never said.
SPOKEN_OF = timedelta(days=1)


class Show(StrEnum):
    """Which lines of a timeline are shown."""

    ALL = "all"
    PEOPLE = "people"
    AUTOMATIC = "automatic"
    PINNED = "pinned"


@dataclass(frozen=True)
class Place:
    """A line's place in the timeline: its moment, then its number."""

    at: datetime
    number: int


@dataclass(frozen=True)
class Page:
    """Lines, the newest first; `older` is the place after which the next page begins, None on the last one."""

    entries: list[TimelineEntry]
    older: Place | None


def list_entries(
    incident_id: int, *, board: Board, show: Show = Show.ALL, before: Place | None = None, size: int = PAGE_SIZE
) -> Page:
    """Return a page of lines: two queries, however long the timeline is."""
    rows = narrow(TimelineEntry.objects.filter(incident=incident_id), board=board, show=show)
    if before is not None:
        rows = rows.filter(Q(at__lt=before.at) | Q(at=before.at, pk__lt=before.number))
    found = list(_with_parts(rows)[: size + 1])
    last = found[size - 1] if len(found) > size else None
    return Page(found[:size], None if last is None else Place(last.at, last.pk))


def list_news(
    incident_id: int, *, since: int, board: Board, show: Show = Show.ALL, size: int = PAGE_SIZE
) -> list[TimelineEntry]:
    """Return the lines with a later number than `since`, the first `size` of them: the next call reads on."""
    rows = TimelineEntry.objects.filter(incident=incident_id, pk__gt=since)
    return list(_with_parts(narrow(rows, board=board, show=show)).order_by("pk")[:size])


def find_newest_number(incident_id: int) -> int:
    """Return the newest line's number, 0 before the first: what is new is what comes after it."""
    rows = TimelineEntry.objects.filter(incident=incident_id).order_by("-pk")
    return rows.values_list("pk", flat=True).first() or 0


def list_numbered(numbers: Sequence[int]) -> list[TimelineEntry]:
    """Return lines by their numbers, in that order: one query, none for none."""
    if not numbers:
        return []
    rows = {entry.pk: entry for entry in _with_parts(TimelineEntry.objects.filter(pk__in=numbers))}
    return [rows[number] for number in numbers if number in rows]


def map_corrections(entries: Iterable[TimelineEntry]) -> dict[int, TimelineEntry]:
    """Return the newest correction of each note, by the note's number: one query."""
    numbers = [entry.pk for entry in entries if entry.code == "note"]
    if not numbers:
        return {}
    rows = TimelineEntry.objects.filter(corrects__in=numbers).order_by("pk")
    return {row.corrects_id: row for row in rows if row.corrects_id is not None}


def read_board(incident_id: int) -> Board:
    """Return what stands on the board: one query over the lines that put it there."""
    rows = TimelineEntry.objects.filter(incident=incident_id, code__in=BOARD_CODES).order_by("pk")
    names = ("pk", "code", "note", "data", "actor_label", "at")
    return fold(Deed(*values) for values in rows.values_list(*names))


def list_updates(incident_id: int) -> QuerySet[IncidentUpdate]:
    """Return the public words of an incident, the newest first."""
    return IncidentUpdate.objects.filter(incident=incident_id).select_related("by")


def find_last_update(incident_id: int) -> IncidentUpdate | None:
    """Return the newest public word, None before the first."""
    return list_updates(incident_id).first()


def find_word_due(incident: Incident, *, last: IncidentUpdate | None) -> datetime | None:
    """Return by when the next public word is due, None where none is; of what is merged, the other one speaks."""
    if incident.status == Status.MERGED:
        return None
    said = None if last is None else LastWord(last.at, WordStatus(last.status), last.next_at)
    return next_word_due(opened_at=incident.opened_at, restored_at=incident.restored_at, last=said)


def map_last_updates(incident_ids: Sequence[int]) -> dict[int, IncidentUpdate]:
    """Return the newest public word of each incident: one query."""
    rows = IncidentUpdate.objects.filter(incident__in=incident_ids)
    return {row.incident_id: row for row in rows.order_by("incident_id", "-pk").distinct("incident_id")}


def list_speaking(*, now: datetime) -> QuerySet[Incident]:
    """Return the incidents about which a public word may be due: running, or restored lately and not closed."""
    lately = Q(restored_at__isnull=True) | Q(restored_at__gte=now - SPOKEN_OF)
    return Incident.objects.filter(lately).exclude(status__in=(Status.CLOSED, Status.MERGED))


def narrow(rows: QuerySet[TimelineEntry], *, board: Board, show: Show) -> QuerySet[TimelineEntry]:
    """Return the lines that a filter shows."""
    if show is Show.PEOPLE:
        return rows.exclude(AUTOMATIC)
    if show is Show.AUTOMATIC:
        return rows.filter(AUTOMATIC)
    return rows.filter(pk__in=board.pinned) if show is Show.PINNED else rows


def _with_parts(rows: QuerySet[TimelineEntry]) -> QuerySet[TimelineEntry]:
    # A picture's bytes stay where they are: its address and size are what a page needs.
    return rows.select_related("picture").defer("picture__content")
