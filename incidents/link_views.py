"""The page of what belongs to an incident: complaints, flags, sites, rollout, parts, and merging."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from core import clock
from core.errors import InvalidInput
from core.reasons import write_reason
from core.roles import Capability, check_can, requires
from core.versions import get_version
from core.views import actor_of, find_refusal, read_int
from incidents.domain.lifecycle import RUNNING, Status
from incidents.link_forms import MergeForm, PartForm, SubjectForm
from incidents.link_queries import list_linked, list_mergeable, list_proposed
from incidents.models import Incident
from incidents.transitions import (
    Part,
    assign_part,
    change_subject,
    link_complaints,
    merge_incident,
    undo_merge,
    unlink_complaint,
)


@requires(Capability.VIEW)
def links(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what belongs to an incident; whoever may, changes it."""
    rows = Incident.objects.select_related("environment", "rollout", "rollback", "merged_into", "commander")
    incident = get_object_or_404(rows, pk=pk)
    if request.method != "POST":
        return _show(request, incident)
    check_can(request.user, Capability.HANDLE_INCIDENTS)  # type: ignore[arg-type]  # requires stands before
    what = request.POST.get("do", "")
    if what in FORMS:
        return _send(request, incident, what)
    _press(request, incident, what)
    messages.success(request, _("Noted in the timeline."))
    return redirect("incidents:links", pk=pk)


def _draw(incident: Incident, what: str, data: Any = None) -> Form:
    seen = {"seen": get_version(incident)}
    if what == "subject":
        initial = {
            "flags": incident.flag_keys,
            "sites": incident.site_keys,
            "rollout": incident.rollout_id,
            "rollback": incident.rollback_id,
        }
        return SubjectForm(data, incident=incident, initial=initial | seen, prefix="subject")
    if what == "part":
        return PartForm(data, initial=seen, prefix="part")
    return MergeForm(data, incident=incident, initial=seen, prefix="merge")


def _show(request: HttpRequest, incident: Incident, *, status: int = 200, **sent: Form) -> HttpResponse:
    """Render the page; `sent` is a form that came back with errors."""
    is_settled = incident.status in {Status.CLOSED, Status.MERGED}
    may = not is_settled and request.user.is_authenticated and Capability.HANDLE_INCIDENTS in request.user.capabilities
    context: dict[str, Any] = {
        "incident": incident,
        "linked": list_linked(incident),
        "proposed": list_proposed(incident) if may else [],
        "may_change": may,
        "can_merge": may and incident.status in RUNNING and bool(list_mergeable(incident)),
        "version": get_version(incident),
        **{what: sent.get(what) or _draw(incident, what) for what in FORMS if may},
    }
    return render(request, "incidents/links.html", context, status=status)


def _send(request: HttpRequest, incident: Incident, what: str) -> HttpResponse:
    """Do what one of the forms asks for; with faults the page comes back with what was typed."""
    form = _draw(incident, what, request.POST)
    if not form.is_valid():
        return _show(request, incident, status=400, **{what: form})
    given = form.cleaned_data
    said: dict[str, Any] = {
        "incident_id": incident.pk,
        "actor": actor_of(request),
        "reason": given["reason"],
        "now": clock.now(),
        "seen": given["seen"],
    }
    refusal = find_refusal(form, lambda: FORMS[what](said, given))
    if refusal is not None:
        return _show(request, incident, status=refusal.status, **{what: form})
    messages.success(request, _("Noted in the timeline."))
    return redirect("incidents:detail" if what == "merge" else "incidents:links", pk=incident.pk)


def _change_subject(said: dict[str, Any], given: dict[str, Any]) -> Incident:
    return change_subject(
        **said,
        flag_keys=[flag.key for flag in given["flags"]],
        site_keys=[site.key for site in given["sites"]],
        rollout_id=given["rollout"].pk if given["rollout"] else None,
        rollback_id=given["rollback"].pk if given["rollback"] else None,
    )


def _assign(said: dict[str, Any], given: dict[str, Any]) -> Incident:
    return assign_part(**said, part=Part(given["part"]), user_id=given["person"].pk)


def _merge(said: dict[str, Any], given: dict[str, Any]) -> Incident:
    return merge_incident(**said, into_id=int(given["into"]))


FORMS: dict[str, Callable[[dict[str, Any], dict[str, Any]], Incident]] = {
    "subject": _change_subject,
    "part": _assign,
    "merge": _merge,
}


def _press(request: HttpRequest, incident: Incident, what: str) -> None:
    """Do what a button asks for."""
    said: dict[str, Any] = {
        "incident_id": incident.pk,
        "actor": actor_of(request),
        "reason": request.POST.get("reason", ""),
        "now": clock.now(),
    }
    if what in {"link", "link-proposed"}:
        if what == "link-proposed":
            said["reason"] = write_reason("linked_as_proposed")
        chosen = [text for text in request.POST.getlist("complaint") if text.isascii() and text.isdigit()]
        link_complaints(**said, complaint_ids=[int(text) for text in chosen if len(text) < 19])
    elif what == "unlink":
        unlink_complaint(**said, complaint_id=read_int(request, "complaint") or 0)
    elif what == "undo":
        undo_merge(**said, seen=read_int(request, "seen"))
    else:
        raise InvalidInput("link_action_unknown")
