"""Pages of incidents: the clock, the timeline, the post-mortem."""

from collections.abc import Callable
from datetime import date

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from core import clock
from core.domain.lifecycle import can_move
from core.errors import InvalidInput
from core.models import User
from core.roles import Capability, requires
from core.views import actor_of, read_int
from flags.current import get_current_environment
from incidents.domain.lifecycle import EDGES, Status
from incidents.domain.tiers import Tier
from incidents.models import ActionKind, Incident
from incidents.queries import list_incidents, read_clock, with_clocks
from incidents.transitions import (
    acknowledge_incident,
    add_action_item,
    add_note,
    change_tier,
    close_incident,
    confirm_restored,
    declare_incident,
    finish_action_item,
    mitigate_incident,
    reopen_incident,
    write_post_mortem,
)

MOVES: dict[str, tuple[Status, Callable[..., Incident]]] = {
    "mitigate": (Status.MITIGATED, mitigate_incident),
    "restore": (Status.RESOLVED, confirm_restored),
    "reopen": (Status.OPEN, reopen_incident),
    "close": (Status.CLOSED, close_incident),
}


@requires(Capability.VIEW)
def list_all(request: HttpRequest) -> HttpResponseBase:
    """List incidents with their clocks; declare one."""
    if request.method == "POST":
        return _declare(request)
    rows = with_clocks(list_incidents()[:50], now=clock.now())
    return render(request, "incidents/list.html", {"incidents": rows, "tiers": [str(tier) for tier in Tier]})


@requires(Capability.HANDLE_INCIDENTS)
def _declare(request: HttpRequest) -> HttpResponse:
    environment = get_current_environment(request)
    if environment is None:
        raise InvalidInput("environment_unknown")
    now = clock.now()
    incident = declare_incident(
        title=request.POST.get("title", ""),
        tier=_read_tier(request),
        environment=environment,
        detected_at=now,
        actor=actor_of(request),
        reason=request.POST.get("reason", ""),
        now=now,
    )
    return redirect("incidents:detail", pk=incident.pk)


@requires(Capability.VIEW)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one incident; the part above the forms refreshes itself."""
    rows = Incident.objects.select_related("environment", "commander", "rollout", "post_mortem", "restored_by")
    incident = get_object_or_404(rows, pk=pk)
    status = Status(incident.status)
    context = {
        "incident": incident,
        "clock": read_clock(incident, now=clock.now()),
        "timeline": incident.timeline.all()[:100],
        "moves": [name for name, (end, _write) in MOVES.items() if can_move(EDGES, start=status, end=end)],
        "items": incident.post_mortem.action_items.select_related("owner"),
        "people": User.objects.filter(is_active=True).order_by("username"),
        "kinds": ActionKind.choices,
        "tiers": [str(tier) for tier in Tier],
    }
    fragment = getattr(request, "htmx", False)
    return render(request, "incidents/_live.html" if fragment else "incidents/detail.html", context)


@requires(Capability.HANDLE_INCIDENTS)
def act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Do one of the incident's actions."""
    get_object_or_404(Incident, pk=pk)
    if request.method == "POST":
        _do(request, pk, action)
        messages.success(request, _("Done."))
    elif action not in {*MOVES, "acknowledge", "tier", "note", "post-mortem", "measure", "finish"}:
        raise Http404
    return redirect("incidents:detail", pk=pk)


def _do(request: HttpRequest, pk: int, action: str) -> None:
    actor, now, reason = actor_of(request), clock.now(), request.POST.get("reason", "")
    if action in MOVES:
        MOVES[action][1](incident_id=pk, actor=actor, reason=reason, now=now)
    elif action == "acknowledge":
        acknowledge_incident(incident_id=pk, actor=actor, reason=reason, now=now)
    elif action == "tier":
        change_tier(incident_id=pk, tier=_read_tier(request), actor=actor, reason=reason, now=now)
    elif action == "note":
        add_note(incident_id=pk, note=request.POST.get("note", ""), actor=actor, now=now)
    elif action == "post-mortem":
        write_post_mortem(
            incident_id=pk,
            root_cause=request.POST.get("root_cause", ""),
            impact=request.POST.get("impact", ""),
            documentation_updates=request.POST.get("documentation_updates", ""),
            actor=actor,
            now=now,
        )
    elif action == "measure":
        _add_measure(request, pk)
    elif action == "finish":
        finish_action_item(item_id=read_int(request, "item") or 0, actor=actor, reason=reason, now=now)
    else:
        raise Http404


def _add_measure(request: HttpRequest, pk: int) -> None:
    now = clock.now()
    try:
        due_on = date.fromisoformat(request.POST.get("due_on", ""))
    except ValueError:
        raise InvalidInput("due_in_past", due_on="") from None
    add_action_item(
        incident_id=pk,
        kind=request.POST.get("kind", ""),
        title=request.POST.get("title", ""),
        owner_id=read_int(request, "owner") or 0,
        due_on=due_on,
        actor=actor_of(request),
        today=timezone.localdate(now),
        now=now,
    )


def _read_tier(request: HttpRequest) -> Tier:
    tier = request.POST.get("tier", "")
    if tier not in set(Tier):
        raise InvalidInput("tier_unknown", tier=tier)
    return Tier(tier)
