"""Decisions on plans and phases, and ticks of checklists: each posts here and leads back to the rollout."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from core import clock
from core.errors import InvalidInput
from core.roles import Capability, requires
from core.views import actor_of, read_int
from rollouts.done_labels import DECIDED, TICKED
from rollouts.models import CheckItem, Phase, Rollout
from rollouts.transitions.approving import decide_phase, decide_plan
from rollouts.transitions.checking import tick_item, untick_item

DECISIONS = {"approve": True, "reject": False}
TICKS = {"tick": tick_item, "untick": untick_item}


@requires(Capability.APPROVE_ROLLOUTS)
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve or reject what was seen: the plan, or the end of a phase."""
    rollout = get_object_or_404(Rollout, pk=pk)
    if request.method == "POST":
        decision = request.POST.get("decision", "")
        if decision not in DECISIONS:
            raise InvalidInput("values_wrong", fields="decision")
        wishes = {
            "is_approved": DECISIONS[decision],
            "seen_hash": request.POST.get("content_hash", ""),
            "actor": actor_of(request),
            "reason": request.POST.get("reason", ""),
            "now": clock.now(),
        }
        phase_id = read_int(request, "phase")
        if phase_id is None:
            decide_plan(rollout_id=rollout.pk, **wishes)  # type: ignore[arg-type]  # each of its own type
        else:
            phase = get_object_or_404(Phase, pk=phase_id, rollout=rollout)
            decide_phase(phase_id=phase.pk, **wishes)  # type: ignore[arg-type]  # as above
        what = "plan" if phase_id is None else "phase"
        messages.success(request, str(DECIDED[what, DECISIONS[decision]]))
    return redirect("rollouts:detail", pk=pk)


@requires(Capability.DRIVE_ROLLOUTS)
def check(request: HttpRequest, pk: int) -> HttpResponse:
    """Tick an item of a checklist off with its proof, or take the tick back."""
    rollout = get_object_or_404(Rollout, pk=pk)
    if request.method == "POST":
        item = get_object_or_404(CheckItem, pk=read_int(request, "item"), phase__rollout=rollout)
        act = TICKS.get(request.POST.get("to", ""))
        if act is None:
            raise InvalidInput("values_wrong", fields="to")
        act(item_id=item.pk, actor=actor_of(request), reason=request.POST.get("reason", ""), now=clock.now())
        messages.success(request, str(TICKED[request.POST["to"]]))
    return redirect("rollouts:detail", pk=pk)
