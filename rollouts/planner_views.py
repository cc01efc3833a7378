"""The planner: asks for a plan, shows its dated steps, then makes it, or puts it in the place of a draft."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from core import clock
from core.errors import Refusal
from core.labels import say_refusal
from core.roles import Capability, requires
from core.views import actor_of, read_int
from flags.current import get_current_environment
from flags.queries import get_flag_names
from rollouts.drawing import PlanRequest, draw_plan
from rollouts.forms import PlanForm, move_choice
from rollouts.labels import WARNINGS
from rollouts.models import Rollout
from rollouts.plan_diff import compare_plans
from rollouts.plan_requests import choices_of
from rollouts.plan_view import view_plan
from rollouts.queries import guess_plan
from rollouts.risk_queries import list_risks_ahead
from rollouts.transitions import plan_rollout
from rollouts.transitions.edit_rules import UNPROMISED
from rollouts.transitions.replacing import replace_plan

FAR = timedelta(days=366)


@requires(Capability.DRIVE_ROLLOUTS)
def plan(request: HttpRequest) -> HttpResponse:
    """Ask for a plan, show its dated steps, then make it."""
    return _plan(request, None)


@requires(Capability.DRIVE_ROLLOUTS)
def plan_anew(request: HttpRequest, pk: int) -> HttpResponse:
    """Begin with a draft's choices, show what others would change, then put the new plan in its place."""
    old = get_object_or_404(Rollout.objects.select_related("release", "environment", "template_version"), pk=pk)
    if request.method != "POST" and old.status not in UNPROMISED:
        messages.error(request, say_refusal(Refusal("plan_is_promised")))
        return redirect("rollouts:detail", pk=pk)
    return _plan(request, old)


def _plan(request: HttpRequest, old: Rollout | None) -> HttpResponse:
    context: dict[str, Any] = {"plan": None, "old": old, "reason": request.POST.get("reason", "")}
    if "move" in request.POST:
        form = PlanForm(initial=move_choice(request.POST, ordered=PlanForm.ordered))
        return render(request, "rollouts/plan.html", context | {"form": form})
    guess = guess_plan(get_current_environment(request), today=timezone.localdate(clock.now()))
    form = PlanForm(request.POST or None, initial=guess | (choices_of(old) if old else {}))
    if request.method == "POST" and form.is_valid():
        try:
            asked = form.to_request()
            drawn = draw_plan(asked, now=clock.now())
            warnings = [WARNINGS[code] for code in (*drawn.warnings, *_look_at_year(asked))]
            context["flag_names"] = get_flag_names()
            context |= {
                "plan": view_plan(drawn, environment_key=form.cleaned_data["environment"].key),
                "warnings": warnings,
                "conflicts": drawn.conflicts,
                "risks": list_risks_ahead(asked.release_id),
            }
            if old is not None:
                context["differences"] = compare_plans(old, asked, drawn)
            if "confirm" in request.POST:
                rollout = _make(request, asked, old)
                messages.success(request, _("Draft saved. Nothing moves until you schedule it."))
                return redirect("rollouts:detail", pk=rollout.pk)
        except Refusal as refusal:
            form.add_error(None, say_refusal(refusal))
    return render(request, "rollouts/plan.html", context | {"form": form}, status=400 if form.errors else 200)


def _look_at_year(asked: PlanRequest) -> list[str]:
    """Return the code of a warning where the start is so far ahead that its year may be a slip."""
    latest = timezone.localdate(clock.now()) + FAR
    return ["start_far"] if asked.start_on is not None and asked.start_on > latest else []


def _make(request: HttpRequest, asked: PlanRequest, old: Rollout | None) -> Rollout:
    by: dict[str, Any] = {"actor": actor_of(request), "reason": request.POST.get("reason", ""), "now": clock.now()}
    if old is None:
        return plan_rollout(request=asked, **by)
    return replace_plan(rollout_id=old.pk, request=asked, seen_epoch=read_int(request, "epoch"), **by)
