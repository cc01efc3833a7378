"""Pages of the risk register: the list with its matrix, one risk, and its forms."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from core import clock
from core.domain.lifecycle import can_move
from core.roles import Capability, requires
from core.versions import get_version
from core.views import actor_of, answer_form, find_refusal, read_int, read_version
from rollouts.domain.risks import EDGES, RiskState
from rollouts.models import Risk
from rollouts.risk_forms import NewRiskForm, RatingForm, RiskFilter, RiskForm
from rollouts.risk_labels import DONE
from rollouts.risk_queries import SCALE, count_gaps, count_matrix, list_ratings, list_reviews, list_risks
from rollouts.transitions.keeping_risks import create_risk, edit_risk, move_risk, rate_risk, take_risk

ROWS = 50
MOVES: Mapping[str, RiskState] = {
    "mitigate": RiskState.MITIGATED,
    "accept": RiskState.ACCEPTED,
    "close": RiskState.CLOSED,
    "reopen": RiskState.OPEN,
}


@requires(Capability.VIEW)
def list_all(request: HttpRequest) -> HttpResponse:
    """List risks, the gravest first, beside the matrix; the address carries the filters."""
    chosen, today = RiskFilter(request.GET), timezone.localdate(clock.now())
    wanted = chosen.wanted
    context = {
        "page": Paginator(list_risks(wanted), ROWS).get_page(request.GET.get("page")),
        "matrix": count_matrix(wanted),
        "scale": SCALE,
        "gaps": count_gaps(today=today),
        "filter": chosen,
        "wanted": wanted,
        "is_filtered": any(value for name, value in request.GET.items() if name != "page"),
        "today": today,
    }
    return render(request, "rollouts/risks.html", context)


@requires(Capability.VIEW)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one risk: what it is about, how it was rated, who reviewed it, and what can be done."""
    return _show(request, _get(pk))


def _show(request: HttpRequest, risk: Risk, *, form: RatingForm | None = None, status: int = 200) -> HttpResponse:
    initial = {"likelihood": risk.likelihood, "impact": risk.impact, "review_on": risk.review_on}
    context: dict[str, Any] = {
        "risk": risk,
        "ratings": list_ratings(risk),
        "reviews": list_reviews(risk),
        "version": get_version(risk),
        "moves": [name for name, end in MOVES.items() if can_move(EDGES, start=RiskState(risk.state), end=end)],
        "form": form or RatingForm(initial=initial),
        "is_overdue": risk.is_overdue(timezone.localdate(clock.now())),
    }
    return render(request, "rollouts/risk.html", context, status=status)


@requires(Capability.DRIVE_ROLLOUTS)
def create(request: HttpRequest) -> HttpResponse:
    """Write a risk down; the address may name what it is about."""
    initial = {"releases": request.GET.getlist("release"), "flags": request.GET.getlist("flag")}
    form = NewRiskForm(request.POST or None, initial=initial)
    made: list[Risk] = []

    def write() -> None:
        given = form.cleaned_data
        made.append(
            create_risk(
                words=form.words,
                likelihood=given["likelihood"],
                impact=given["impact"],
                actor=actor_of(request),
                reason=given["reason"],
                now=clock.now(),
            )
        )

    def follow() -> HttpResponse:
        messages.success(request, str(DONE["create"]))
        return redirect("rollouts:risk", pk=made[0].pk)

    context = {"title": _("New risk"), "back": reverse("rollouts:risks"), "version": None}
    return answer_form(request, form, write, then=follow, template="rollouts/risk_form.html", context=context)


@requires(Capability.DRIVE_ROLLOUTS)
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change what is said of a risk; it is rated on its page."""
    risk = _get(pk)
    seen = read_version(request, risk)
    form = RiskForm(request.POST or None, risk=risk, initial=_read_initial(risk))

    def write() -> None:
        reason = form.cleaned_data["reason"]
        edit_risk(risk_id=pk, words=form.words, actor=actor_of(request), reason=reason, now=clock.now(), seen=seen)

    def follow() -> HttpResponse:
        messages.success(request, str(DONE["edit"]))
        return redirect("rollouts:risk", pk=pk)

    context = {"title": risk.title, "back": reverse("rollouts:risk", args=[pk]), "version": seen}
    return answer_form(request, form, write, then=follow, template="rollouts/risk_form.html", context=context)


def _read_initial(risk: Risk) -> dict[str, Any]:
    return {
        "title": risk.title,
        "category": risk.category,
        "description": risk.description,
        "mitigation": risk.mitigation,
        "owner": risk.owner_id,
        "review_on": risk.review_on,
        "releases": [row.release.version for row in risk.risk_releases.all()],
        "flags": [row.flag.key for row in risk.risk_flags.all()],
    }


@requires(Capability.DRIVE_ROLLOUTS)
def act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Rate a risk anew, take it on, or bring it to another state."""
    risk = _get(pk)
    if action not in {"rate", "take", *MOVES}:
        raise Http404
    if request.method != "POST":
        return redirect("rollouts:risk", pk=pk)
    said: dict[str, Any] = {
        "risk_id": pk,
        "actor": actor_of(request),
        "now": clock.now(),
        "seen": read_int(request, "version") or 0,
    }
    if action == "rate":
        return _rate(request, risk, said)
    if action == "take":
        take_risk(**said)
    else:
        move_risk(**said, state=MOVES[action], reason=request.POST.get("reason", ""))
    messages.success(request, str(DONE[action]))
    return redirect("rollouts:risk", pk=pk)


def _rate(request: HttpRequest, risk: Risk, said: dict[str, Any]) -> HttpResponse:
    form = RatingForm(request.POST)
    if not form.is_valid():
        return _show(request, risk, form=form, status=400)
    refusal = find_refusal(form, lambda: rate_risk(**said, **form.wishes))
    if refusal is not None:
        return _show(request, risk, form=form, status=refusal.status)
    messages.success(request, str(DONE["rate"]))
    return redirect("rollouts:risk", pk=risk.pk)


def _get(pk: int) -> Risk:
    rows = Risk.objects.select_related("owner")
    return get_object_or_404(rows.prefetch_related("risk_releases__release", "risk_flags__flag"), pk=pk)
