"""The timeline: its pages, what is new, notes with pictures, pins."""

from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from core import clock
from core.roles import Capability, requires
from core.uploads import takes_file
from core.views import actor_of, answer_form, read_int
from flags.pictures import MOST_BYTES
from flags.queries import get_flag_names, get_site_names
from incidents.domain.board import Board
from incidents.models import Incident, TimelineEntry
from incidents.room_forms import NoteForm
from incidents.timeline_labels import SHOWS, Line, draw_line
from incidents.timeline_queries import (
    Place,
    Show,
    find_newest_number,
    list_entries,
    list_news,
    list_numbered,
    map_corrections,
    read_board,
)
from incidents.transitions import add_note, pin_entry, unpin_entry


def read_timeline(request: HttpRequest, incident: Incident, *, board: Board) -> dict[str, Any]:
    """Return what a page shows of the timeline: by the address's filter, from the address's place on."""
    show = read_show(request)
    # Before the lines: what comes between is shown twice at the worst, never missed.
    newest = find_newest_number(incident.pk)
    page = list_entries(incident.pk, board=board, show=show, before=_read_place(request))
    return {
        "lines": draw_lines(page.entries, board=board),
        "older": page.older,
        "is_newest": "before" not in request.GET,
        "show": show,
        "shows": SHOWS,
        "newest": newest,
    }


def read_pinned(board: Board) -> list[Line]:
    """Return the pinned lines, the last pinned first."""
    return draw_lines(list_numbered(board.pinned), board=board)


def draw_lines(entries: list[TimelineEntry], *, board: Board) -> list[Line]:
    """Return lines with their words and corrections: three queries, however many."""
    if not entries:
        return []
    corrections, sites, flags = map_corrections(entries), get_site_names(), get_flag_names()
    return [
        draw_line(
            entry,
            sites=sites,
            flags=flags,
            correction=corrections.get(entry.pk),
            is_pinned=entry.pk in board.pinned,
        )
        for entry in entries
    ]


@requires(Capability.VIEW)
@require_safe
def show_news(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer the lines that came since the address's number; 204 where there are none."""
    incident = get_object_or_404(Incident, pk=pk)
    since, show, board = _read_number(request, "since"), read_show(request), read_board(pk)
    entries = list_news(pk, since=since, board=board, show=show)
    if not entries:
        return HttpResponse(status=204)
    lines = draw_lines(entries, board=board)
    corrected = [entry.corrects_id for entry in entries if entry.corrects_id is not None]
    context = {
        "incident": incident,
        "lines": sorted(lines, key=lambda line: (line.entry.at, line.entry.pk), reverse=True),
        "corrected": draw_lines(list_numbered(corrected), board=board),
        "newest": max(entry.pk for entry in entries),
        "show": show,
    }
    return render(request, "incidents/_news.html", context)


@takes_file(most_bytes=MOST_BYTES)
@requires(Capability.HANDLE_INCIDENTS)
def note(request: HttpRequest, pk: int) -> HttpResponse:
    """Add a note to the timeline, or put one right by a following one."""
    incident = get_object_or_404(Incident, pk=pk)
    number = _read_number(request, "corrects")
    form = NoteForm(request.POST or None, request.FILES or None, initial={"corrects": number or None})
    number = number or (int(raw) if (raw := request.POST.get("corrects", "")).isdecimal() and len(raw) < 19 else 0)
    old = incident.timeline.filter(pk=number, code="note").first() if number else None

    def write() -> None:
        given = form.cleaned_data
        add_note(
            incident_id=pk,
            note=given["note"],
            actor=actor_of(request),
            now=clock.now(),
            corrects=given["corrects"],
            picture=given["picture"].read() if given["picture"] else b"",
            picture_alt=given["picture_alt"],
        )
        messages.success(request, _("It stands in the timeline."))

    return answer_form(
        request,
        form,
        write,
        then=lambda: redirect("incidents:detail", pk=pk),
        template="incidents/note.html",
        context={"incident": incident, "old": old},
    )


@requires(Capability.HANDLE_INCIDENTS)
def pin(request: HttpRequest, pk: int) -> HttpResponse:
    """Pin a line on top, or take it off."""
    get_object_or_404(Incident, pk=pk)
    if request.method != "POST":
        return redirect("incidents:detail", pk=pk)
    is_off = "unpin" in request.POST
    number = read_int(request, "unpin" if is_off else "pin") or 0
    write = unpin_entry if is_off else pin_entry
    write(incident_id=pk, entry_id=number, actor=actor_of(request), now=clock.now())
    return redirect("incidents:detail", pk=pk)


def read_show(request: HttpRequest) -> Show:
    """Return the address's filter; everything where it names none."""
    name = request.GET.get("show", "")
    return Show(name) if name in set(Show) else Show.ALL


def _read_number(request: HttpRequest, name: str) -> int:
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


def _read_place(request: HttpRequest) -> Place | None:
    """Return the place after which the page begins; None for the newest page, or for what names no place."""
    moment = request.GET.get("before", "")
    try:
        at = datetime.fromisoformat(moment)
        # In UTC: PostgreSQL takes no offset of 16 hours and more, Python does.
        return Place(at.astimezone(UTC), _read_number(request, "number")) if at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
