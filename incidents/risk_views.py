"""From an incident to the register: write a risk down, or say that a known one came true."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from core import clock
from core.roles import Capability, check_can, requires
from core.views import actor_of, find_refusal
from flags.models import Flag
from incidents.models import Incident
from incidents.risk_forms import CaseForm
from incidents.risk_labels import DONE
from incidents.risk_queries import list_risks_of
from incidents.transitions.risking import note_case, raise_risk
from rollouts.risk_forms import NewRiskForm

RAISE, CASE = "raise", "case"


@requires(Capability.VIEW)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the risks of an incident; those who drive releases write one down here, or say that one came true."""
    rows = Incident.objects.select_related("environment", "rollout__release", "rollout__environment")
    incident = get_object_or_404(rows, pk=pk)
    if request.method != "POST":
        return _show(request, incident)
    check_can(request.user, Capability.DRIVE_ROLLOUTS)  # type: ignore[arg-type]  # a person, see the guard
    is_case = request.POST.get("do") == CASE
    form: NewRiskForm | CaseForm = (
        CaseForm(request.POST, incident=incident, prefix=CASE) if is_case else NewRiskForm(request.POST, prefix=RAISE)
    )
    sent = {CASE if is_case else RAISE: form}
    if not form.is_valid():
        return _show(request, incident, status=400, **sent)
    refusal = find_refusal(form, lambda: _write(request, incident, form))
    if refusal is not None:
        return _show(request, incident, status=refusal.status, **sent)
    messages.success(request, str(DONE[CASE if is_case else RAISE]))
    return redirect("incidents:risks", pk=pk)


def _write(request: HttpRequest, incident: Incident, form: NewRiskForm | CaseForm) -> None:
    given = form.cleaned_data
    said: dict[str, Any] = {
        "incident_id": incident.pk,
        "actor": actor_of(request),
        "reason": given["reason"],
        "now": clock.now(),
    }
    if isinstance(form, CaseForm):
        note_case(**said, risk_id=given["risk"].pk)
    else:
        raise_risk(**said, words=form.words, likelihood=given["likelihood"], impact=given["impact"])


def _show(request: HttpRequest, incident: Incident, *, status: int = 200, **sent: Any) -> HttpResponse:
    """Render the page; `sent` is a form that came back with errors."""
    may = request.user.is_authenticated and Capability.DRIVE_ROLLOUTS in request.user.capabilities
    forms = {}
    if may:
        forms = {
            RAISE: sent.get(RAISE) or NewRiskForm(initial=_prefill(incident), prefix=RAISE),
            CASE: sent.get(CASE) or CaseForm(incident=incident, prefix=CASE),
        }
    context = {"incident": incident, "links": list_risks_of(incident), "may_write": may, "forms": forms, "sent": sent}
    return render(request, "incidents/risks.html", context, status=status)


def _prefill(incident: Incident) -> dict[str, Any]:
    """Return what an incident says of the risk that it has shown: its title, flags, release."""
    keys = Flag.objects.filter(key__in=incident.flag_keys, archived_at=None).values_list("key", flat=True)
    return {
        "title": incident.title,
        "category": "deployment" if incident.rollout_id else "technical",
        "flags": list(keys),
        "releases": [incident.rollout.release.version] if incident.rollout else [],
        "likelihood": 3,
        "impact": {"critical": 5, "important": 4}.get(incident.highest_tier, 2),
    }
