"""Pages of a rollout's guardrails: how each phase has them, and one of them set otherwise by hand."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from core import clock
from core.roles import Capability, can, requires
from core.views import actor_of, answer_form, read_int
from flags.queries import get_flag_names
from health.domain.guardrail import LIMITS
from rollouts.action_queries import is_approved
from rollouts.domain.phase_guardrails import PhaseGuardrail
from rollouts.effective_guardrail import get_effective_guardrails
from rollouts.guardrail_settings import Setting
from rollouts.guardrail_words import name_lane
from rollouts.labels import PHASES
from rollouts.models import Phase, PhaseStatus, Rollout
from rollouts.overriding_forms import OverrideForm
from rollouts.transitions.overriding import override_guardrail


@dataclass(frozen=True)
class PhaseSettings:
    """A phase with how each lane is set in it."""

    phase: Phase
    settings: list[Setting]
    can_change: bool


@requires(Capability.VIEW)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how each phase of a rollout has its guardrails, and who says so."""
    rollout = _get(pk)
    effective = get_effective_guardrails(rollout)
    flag_keys = list(rollout.rollout_flags.order_by("position").values_list("flag__key", flat=True))
    may = can(request.user, Capability.DRIVE_ROLLOUTS) and rollout.ended_at is None
    context = {
        "rollout": rollout,
        "is_approved": is_approved(rollout),
        "phases": [
            PhaseSettings(phase, effective.list_settings_in(phase, flag_keys), may and phase.status != PhaseStatus.DONE)
            for phase in rollout.phases.order_by("position")
        ],
        "flag_names": get_flag_names(),
    }
    return render(request, "rollouts/guardrails.html", context)


@requires(Capability.DRIVE_ROLLOUTS)
def override(request: HttpRequest, pk: int, lane: str) -> HttpResponse:
    """Say what one lane does while a phase runs, with a reason."""
    phase = get_object_or_404(Phase.objects.select_related("rollout__release", "rollout__environment"), pk=pk)
    rollout = phase.rollout
    if lane not in LIMITS:
        raise Http404
    now_set = next((one for one in phase.overrides if one.lane == lane), PhaseGuardrail(lane))
    form = OverrideForm(request.POST or None, lane=lane, now_set=now_set)
    epoch = read_int(request, "epoch") if request.method == "POST" else rollout.epoch
    return answer_form(
        request,
        form,
        lambda: override_guardrail(
            rollout_id=rollout.pk,
            phase_id=phase.pk,
            wish=form.wish,
            actor=actor_of(request),
            reason=form.cleaned_data["reason"],
            now=clock.now(),
            seen_epoch=epoch,
        ),
        then=lambda: _go_back(request, rollout.pk),
        template="rollouts/override.html",
        context={
            "rollout": rollout,
            "epoch": epoch,
            "title": _("%(lane)s in the phase “%(phase)s”") % {"lane": name_lane(lane), "phase": PHASES[phase.kind]},
            "settings": [
                one for one in get_effective_guardrails(rollout).list_settings_in(phase, ()) if one.lane == lane
            ],
            "is_under_way": phase.status == PhaseStatus.RUNNING,
        },
    )


def _go_back(request: HttpRequest, pk: int) -> HttpResponse:
    messages.success(request, _("The guardrail is set. The story says from what to what."))
    return redirect(reverse("rollouts:guardrails", args=[pk]))


def _get(pk: int) -> Rollout:
    return get_object_or_404(Rollout.objects.select_related("release", "environment"), pk=pk)
