"""Pages of incidents: the clock, the timeline, the post-mortem."""

import re
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from core import clock
from core.domain.lifecycle import can_move
from core.errors import InvalidInput
from core.roles import Capability, requires
from core.versions import get_version
from core.views import actor_of, find_refusal, read_int
from flags.current import get_current_environment
from flags.queries import get_flag_names, get_site_names
from health.models import Complaint
from health.queries import find_last_site
from incidents.domain.lifecycle import EDGES, RUNNING, Status
from incidents.domain.tiers import Tier
from incidents.done_labels import DONE
from incidents.forms import DeclareForm, IncidentFilter, MeasureForm, PostMortemForm
from incidents.labels import say_entry, say_next
from incidents.models import Incident, PostMortem
from incidents.queries import confirm_taken_back, find_gaps, list_incidents, read_clock, with_clocks
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
from procedures.queries import list_overridden

MOVES: dict[str, tuple[Status, Callable[..., Incident]]] = {
    "mitigate": (Status.MITIGATED, mitigate_incident),
    "restore": (Status.RESOLVED, confirm_restored),
    "reopen": (Status.OPEN, reopen_incident),
    "close": (Status.CLOSED, close_incident),
}
ACTIONS = frozenset({*MOVES, "acknowledge", "tier", "note", "post-mortem", "measure", "finish"})
#: Refusals of a declaration that are about its moment.
DECLARE_FIELDS = dict.fromkeys(("detected_in_future", "detected_too_long_ago"), "detected_at")
NUMBER = re.compile(r"[0-9]{1,18}")
PAGE_SIZE = 25
SHOWN_ENTRIES = 200


@requires(Capability.VIEW)
def list_all(request: HttpRequest) -> HttpResponse:
    """List incidents with their clocks, those that run first."""
    chosen = IncidentFilter(request.GET)
    narrowed = chosen.is_valid()
    filters = {name: value for name, value in chosen.cleaned_data.items() if value} if narrowed else {}
    rows = list_incidents(running_first=True)
    page = Paginator(rows.filter(**filters) if narrowed else rows.none(), PAGE_SIZE).get_page(request.GET.get("page"))
    address = request.GET.copy()
    address.pop("page", None)
    context = {
        "incidents": with_clocks(page, now=clock.now()),
        "page": page,
        "filter": chosen,
        "address": address.urlencode() if any(address.values()) else "",
    }
    return render(request, "incidents/list.html", context)


@requires(Capability.HANDLE_INCIDENTS)
def declare(request: HttpRequest) -> HttpResponse:
    """Declare an incident by hand."""
    environment = get_current_environment(request)
    form = DeclareForm(request.POST or None, initial={"environment": environment} | _prefill(request))
    status = 400 if request.method == "POST" else 200
    if request.method == "POST" and form.is_valid():
        declared: list[Incident] = []
        refusal = find_refusal(form, lambda: declared.append(_declare(request, form)), fields=DECLARE_FIELDS)
        if refusal is None:
            messages.success(request, _("The incident is open and its clock runs."))
            return redirect("incidents:detail", pk=declared[0].pk)
        status = refusal.status
    return render(request, "incidents/declare.html", {"form": form}, status=status)


def _declare(request: HttpRequest, form: DeclareForm) -> Incident:
    given, now = form.cleaned_data, clock.now()
    return declare_incident(
        title=given["title"],
        tier=Tier(given["tier"]),
        environment=given["environment"],
        detected_at=given["detected_at"] or now,
        actor=actor_of(request),
        reason=given["reason"],
        now=now,
        flag_keys=[given["flag"].key] if given["flag"] else [],
        site_keys=[site.key for site in given["sites"]],
    )


def _prefill(request: HttpRequest) -> dict[str, Any]:
    """Return what is likely: the complaint one comes from, else the site of the person's last one.

    The complaint's words stay where they have a retention: an incident keeps what it is told for good.
    """
    number = request.GET.get("complaint", "")
    rows = Complaint.objects.select_related("environment", "site", "flag")
    complaint = rows.filter(pk=int(number)).first() if NUMBER.fullmatch(number) else None
    if complaint is None:
        site_id = find_last_site(user_id=request.user.pk or 0)
        return {"sites": [site_id] if site_id else []}
    told = _("Complaint #%(number)s, %(site)s") % {"number": complaint.pk, "site": complaint.site.name}
    return {
        "environment": complaint.environment,
        "sites": [complaint.site_id],
        "flag": complaint.flag_id,
        "reason": told,
    }


@requires(Capability.VIEW)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one incident; the part above the forms refreshes itself."""
    return _show(request, pk)


def _show(request: HttpRequest, pk: int, *, status: int = 200, **forms: Form) -> HttpResponse:
    """Render the page; `forms` are those that were sent and came back with errors."""
    rows = Incident.objects.select_related("environment", "commander", "rollout", "post_mortem", "restored_by")
    incident = get_object_or_404(rows, pk=pk)
    context: dict[str, Any] = {
        "incident": incident,
        "is_running": incident.status in RUNNING,
        "clock": read_clock(incident, now=clock.now()),
        "flag_names": get_flag_names(),
        "site_names": get_site_names(),
        "confirmations": confirm_taken_back(incident, now=clock.now()),
        "next": say_next(status=incident.status, has_commander=incident.commander_id is not None),
        "timeline": [
            (entry, say_entry(code=entry.code, data=entry.data, note=entry.note, actor_label=entry.actor_label))
            for entry in incident.timeline.all()[:SHOWN_ENTRIES]
        ],
    }
    if getattr(request, "htmx", False):
        return render(request, "incidents/_live.html", context)
    learnt = incident.post_mortem
    texts = {name: getattr(learnt, name) for name in ("root_cause", "impact", "documentation_updates")}
    state = Status(incident.status)
    context |= {
        "version": get_version(incident),
        "moves": [name for name, (end, _write) in MOVES.items() if can_move(EDGES, start=state, end=end)],
        "items": learnt.action_items.select_related("owner"),
        "gaps": find_gaps(learnt),
        "passed_over": list_overridden(incident.rollback_id) if incident.rollback_id else [],
        "post_mortem_form": PostMortemForm(initial=texts | {"seen": get_version(learnt)}),
        "measure_form": MeasureForm(initial={"owner": request.user.pk}),
        "tiers": [str(tier) for tier in Tier if tier != incident.tier],
        "today": timezone.localdate(clock.now()),
        **forms,
    }
    return render(request, "incidents/detail.html", context, status=status)


@requires(Capability.HANDLE_INCIDENTS)
def act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Do one of the incident's actions."""
    get_object_or_404(Incident, pk=pk)
    if action not in ACTIONS:
        raise Http404
    if request.method != "POST":
        return redirect("incidents:detail", pk=pk)
    if action in {"post-mortem", "measure"}:
        return (_write_post_mortem if action == "post-mortem" else _add_measure)(request, pk)
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
    elif action == "tier":
        change_tier(**said, tier=_read_tier(request), seen=seen)
    elif action == "note":
        add_note(incident_id=pk, note=request.POST.get("note", ""), actor=actor, now=now)
    else:
        finish_action_item(**said, item_id=read_int(request, "item") or 0)


def _write_post_mortem(request: HttpRequest, pk: int) -> HttpResponse:
    form = PostMortemForm(request.POST.dict())
    if not form.is_valid():
        return _show(request, pk, status=400, post_mortem_form=form)
    refusal = find_refusal(
        form,
        lambda: write_post_mortem(incident_id=pk, actor=actor_of(request), now=clock.now(), **form.cleaned_data),
    )
    if refusal is not None:
        # What was typed stays in the form: sent again, it stands beside what the other person wrote.
        form.data = {**form.data, "seen": str(get_version(get_object_or_404(PostMortem, incident=pk)))}
        return _show(request, pk, status=refusal.status, post_mortem_form=form)
    messages.success(request, str(DONE["post-mortem"]))
    return redirect("incidents:detail", pk=pk)


def _add_measure(request: HttpRequest, pk: int) -> HttpResponse:
    form = MeasureForm(request.POST)
    if not form.is_valid():
        return _show(request, pk, status=400, measure_form=form)
    given, now = form.cleaned_data, clock.now()
    refusal = find_refusal(
        form,
        lambda: add_action_item(
            incident_id=pk,
            kind=given["kind"],
            title=given["title"],
            owner_id=given["owner"].pk,
            due_on=given["due_on"],
            actor=actor_of(request),
            today=timezone.localdate(now),
            now=now,
        ),
        fields={"due_in_past": "due_on"},
    )
    if refusal is not None:
        return _show(request, pk, status=refusal.status, measure_form=form)
    messages.success(request, str(DONE["measure"]))
    return redirect("incidents:detail", pk=pk)


def _read_tier(request: HttpRequest) -> Tier:
    tier = request.POST.get("tier", "")
    if tier not in set(Tier):
        raise InvalidInput("tier_unknown", tier=tier)
    return Tier(tier)
