"""The page on which people look at the risks of a rollout's plan, one after the other."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from core import clock
from core.roles import Capability, check_can, requires
from core.versions import map_versions
from core.views import actor_of, find_refusal, read_int
from rollouts.domain.lifecycle import ENDED
from rollouts.models import Rollout
from rollouts.risk_forms import ReviewForm
from rollouts.risk_labels import DONE
from rollouts.risk_queries import check_risks
from rollouts.transitions.reviewing_risks import review_risk


@requires(Capability.VIEW)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the risks of a rollout with their reviews; whoever drives rollouts reviews them here."""
    rollout = get_object_or_404(Rollout.objects.select_related("release", "environment"), pk=pk)
    if request.method != "POST":
        return _show(request, rollout)
    check_can(request.user, Capability.DRIVE_ROLLOUTS)  # type: ignore[arg-type]  # a person, see the guard
    form, risk_id = ReviewForm(request.POST), read_int(request, "risk") or 0
    if not form.is_valid():
        return _show(request, rollout, sent=form, risk_id=risk_id, status=400)
    refusal = find_refusal(
        form,
        lambda: review_risk(
            rollout_id=pk,
            risk_id=risk_id,
            **form.wishes,
            actor=actor_of(request),
            now=clock.now(),
            seen=read_int(request, "version") or 0,
        ),
    )
    if refusal is not None:
        return _show(request, rollout, sent=form, risk_id=risk_id, status=refusal.status)
    messages.success(request, str(DONE["review"]))
    return redirect("rollouts:risks_of", pk=pk)


def _show(
    request: HttpRequest, rollout: Rollout, *, sent: ReviewForm | None = None, risk_id: int = 0, status: int = 200
) -> HttpResponse:
    """Render the page; `sent` is the form of one risk that came back with errors."""
    check = check_risks(rollout)
    lines = [
        {
            "one": one,
            "form": sent
            if sent is not None and one.risk.pk == risk_id
            else ReviewForm(
                initial={"likelihood": one.risk.likelihood, "impact": one.risk.impact},
                auto_id=f"id_{one.risk.pk}_%s",
            ),
        }
        for one in check.risks
    ]
    context = {
        "rollout": rollout,
        "check": check,
        "lines": lines,
        "versions": map_versions([one.risk for one in check.risks]),
        "has_ended": rollout.status in ENDED,
        # Said above all lines where its risk is none of them (any more).
        "stray": sent if sent is not None and risk_id not in {one.risk.pk for one in check.risks} else None,
        "sent_risk": risk_id,
    }
    return render(request, "rollouts/risk_review.html", context, status=status)
