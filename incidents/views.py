"""Pages of incidents: the list, one of them, what is done about it."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from core import clock
from core.domain.lifecycle import can_move
from core.errors import InvalidInput
from core.roles import Capability, requires
from core.versions import get_version
from core.views import actor_of, read_int
from flags.queries import get_flag_names, get_site_names
from incidents.domain.lifecycle import EDGES, RUNNING, Status
from incidents.domain.tiers import Tier
from incidents.done_labels import DONE
from incidents.labels import say_next
from incidents.learning_queries import find_post_mortem_due, list_closing_gaps
from incidents.models import Incident
from incidents.queries import confirm_taken_back, read_clock
from incidents.recurrence_queries import list_earlier
from incidents.room_forms import NoteForm
from incidents.room_page import read_room_page
from incidents.timeline_views import read_timeline
from incidents.transitions import (
    acknowledge_incident,
    change_tier,
    close_incident,
    confirm_restored,
    mitigate_incident,
    reopen_incident,
)

MOVES: dict[str, tuple[Status, Callable[..., Incident]]] = {
    "mitigate": (Status.MITIGATED, mitigate_incident),
    "restore": (Status.RESOLVED, confirm_restored),
    "reopen": (Status.OPEN, reopen_incident),
    "close": (Status.CLOSED, close_incident),
}
ACTIONS = frozenset({*MOVES, "acknowledge", "tier"})


@requires(Capability.VIEW)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one incident; the part above the forms refreshes itself."""
    rows = Incident.objects.select_related(
        "environment", "commander", "rollout", "post_mortem", "restored_by", "merged_into", "communications"
    )
    incident = get_object_or_404(rows, pk=pk)
    context: dict[str, Any] = {
        "incident": incident,
        "is_running": incident.status in RUNNING,
        "clock": read_clock(incident, now=clock.now()),
        "flag_names": get_flag_names(),
        "site_names": get_site_names(),
        "confirmations": confirm_taken_back(incident, now=clock.now()),
        "next": say_next(status=incident.status, has_commander=incident.commander_id is not None),
        **read_room_page(incident, now=clock.now()),
    }
    if getattr(request, "htmx", False):
        return render(request, "incidents/_live.html", context)
    learnt = incident.post_mortem
    context |= read_timeline(request, incident, board=context["room"].board)
    context |= {
        "note_form": NoteForm(),
        "version": get_version(incident),
        "moves": _list_moves(Status(incident.status)),
        "post_mortem": learnt,
        "items": learnt.action_items.select_related("owner"),
        "gaps": list_closing_gaps(incident, learnt),
        "due_on": find_post_mortem_due(incident, learnt),
        "earlier": list_earlier(incident),
        "tiers": [str(tier) for tier in Tier if tier != incident.tier],
        "today": timezone.localdate(clock.now()),
    }
    return render(request, "incidents/detail.html", context)


def _list_moves(state: Status) -> list[str]:
    """Return what can be done next; what is merged is parted again elsewhere."""
    moves = MOVES.items() if state is not Status.MERGED else ()
    return [name for name, (end, _write) in moves if can_move(EDGES, start=state, end=end)]


@requires(Capability.HANDLE_INCIDENTS)
def act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Do one of the incident's actions."""
    get_object_or_404(Incident, pk=pk)
    if action not in ACTIONS:
        raise Http404
    if request.method != "POST":
        return redirect("incidents:detail", pk=pk)
    _do(request, pk, action)
    messages.success(request, str(DONE[action]))
    return redirect("incidents:detail", pk=pk)


def _do(request: HttpRequest, pk: int, action: str) -> None:
    actor, now, reason = actor_of(request), clock.now(), request.POST.get("reason", "")
    said: dict[str, Any] = {"incident_id": pk, "actor": actor, "reason": reason, "now": now}
    seen = read_int(request, "seen")
    if action in MOVES:
        MOVES[action][1](**said, seen=seen)
    elif action == "acknowledge":
        acknowledge_incident(**said, seen=seen)
    else:
        change_tier(**said, tier=_read_tier(request), seen=seen)


def _read_tier(request: HttpRequest) -> Tier:
    tier = request.POST.get("tier", "")
    if tier not in set(Tier):
        raise InvalidInput("tier_unknown", tier=tier)
    return Tier(tier)
