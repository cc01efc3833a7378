"""The page on which an incident is declared, and what it says while somebody types."""

import re
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core import clock
from core.errors import InvalidInput
from core.reasons import write_reason
from core.roles import Capability, requires
from core.views import actor_of, find_refusal, read_int
from flags.current import get_current_environment
from flags.models import Environment
from health.models import Complaint
from health.queries import find_last_site
from incidents.declare_forms import DeclareForm
from incidents.declare_queries import list_alike
from incidents.domain.symptoms import MOST_CHARACTERS, Proposal, propose_tier
from incidents.domain.tiers import Tier
from incidents.models import Incident
from incidents.queries import with_clocks
from incidents.transitions import declare_incident, join_incident

#: Refusals of a declaration that are about its moment.
DECLARE_FIELDS = dict.fromkeys(("detected_in_future", "detected_too_long_ago"), "detected_at")
NUMBER = re.compile(r"[0-9]{1,18}")


@requires(Capability.HANDLE_INCIDENTS)
def declare(request: HttpRequest) -> HttpResponse:
    """Declare an incident by hand, or add what is reported to one that runs."""
    environment = get_current_environment(request)
    form = DeclareForm(request.POST or None, initial={"environment": environment} | _prefill(request))
    status = 400 if request.method == "POST" else 200
    if request.method == "POST" and form.is_valid():
        done: list[Incident] = []
        joined = read_int(request, "join")
        write = _declare if joined is None else _join
        refusal = find_refusal(form, lambda: done.append(write(request, form)), fields=DECLARE_FIELDS)
        if refusal is None:
            said = _("The incident is open and its clock runs.") if joined is None else _("Added to this incident.")
            messages.success(request, said)
            return redirect("incidents:detail", pk=done[0].pk)
        status = refusal.status
    return render(request, "incidents/declare.html", {"form": form, **_suggest(request, form)}, status=status)


@requires(Capability.HANDLE_INCIDENTS)
@require_POST
def suggest(request: HttpRequest) -> HttpResponse:
    """Say which tier is proposed and what runs already. A POST, so that the words reach no log."""
    return render(request, "incidents/_suggestion.html", _suggest(request, DeclareForm(request.POST)))


def _suggest(request: HttpRequest, form: DeclareForm) -> dict[str, Any]:
    proposal = _propose(form)
    title = str(form["title"].value() or "")[:MOST_CHARACTERS]
    place = get_current_environment(request)
    form.is_valid()
    given = getattr(form, "cleaned_data", {})
    environment = given.get("environment") or place
    alike: list[Incident] = []
    if environment is not None and (title or given.get("flag")):
        alike = list_alike(
            environment_key=environment.key,
            text=title,
            flag_keys=[given["flag"].key] if given.get("flag") else [],
            site_keys=[site.key for site in given.get("sites") or []],
        )
    return {"proposal": proposal, "places": form.list_places(), "alike": with_clocks(alike, now=clock.now())}


def _propose(form: DeclareForm) -> Proposal:
    words = f"{form['title'].value() or ''} {form['reason'].value() or ''}"
    return propose_tier(picked=form.read_symptoms(), text=words)


def _read(request: HttpRequest, form: DeclareForm) -> dict[str, Any]:
    """Return what opening an incident and adding to one have in common."""
    given = form.cleaned_data
    by_complaint = given["complaint"] is not None
    automatic = "complaint_of_declaration" if by_complaint else "declared_by_hand"
    return {
        "title": given["title"],
        "actor": actor_of(request),
        "reason": given["reason"] or write_reason(automatic),
        "now": clock.now(),
        "flag_keys": [given["flag"].key] if given["flag"] else [],
        "site_keys": [site.key for site in given["sites"]],
        "complaint_ids": [given["complaint"]] if by_complaint else [],
    }


def _declare(request: HttpRequest, form: DeclareForm) -> Incident:
    given, said = form.cleaned_data, _read(request, form)
    environment: Environment | None = given["environment"] or get_current_environment(request)
    if environment is None:
        raise InvalidInput("environment_unknown")
    return declare_incident(
        **said,
        tier=Tier(given["tier"] or _propose(form).tier),
        environment=environment,
        detected_at=given["detected_at"] or said["now"],
    )


def _join(request: HttpRequest, form: DeclareForm) -> Incident:
    """Add it to the incident that was pressed; what tells nothing of how grave it is raises nothing."""
    said, proposal = _read(request, form), _propose(form)
    if not form.cleaned_data["reason"]:
        said["reason"] = write_reason("joined_by_hand")
    chosen = form.cleaned_data["tier"] or (proposal.tier if proposal.because else "")
    return join_incident(
        incident_id=read_int(request, "join") or 0,
        tier=Tier(chosen) if chosen else None,
        note=form.cleaned_data["reason"],
        **said,
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
        "complaint": complaint.pk,
    }
