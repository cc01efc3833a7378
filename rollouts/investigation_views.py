"""Pages of investigations: the queue, and one with its complaints and what can be decided."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from core import clock
from core.roles import Capability, requires
from core.views import actor_of, read_int
from flags.queries import get_flag_names
from rollouts.done_labels import INVESTIGATED
from rollouts.exposure_queries import exposures_on
from rollouts.investigation_queries import (
    find_findings,
    list_investigations,
    list_investigators,
    list_ways_back,
)
from rollouts.models import Investigation
from rollouts.page_queries import measure_reach
from rollouts.transitions.investigating import (
    dismiss_investigation,
    hand_over,
    roll_back_investigated,
    take_on,
)

ROWS = 50
ACTIONS = frozenset({"take", "hand-over", "dismiss"})


@requires(Capability.VIEW)
def list_all(request: HttpRequest) -> HttpResponse:
    """List investigations, those that wait for somebody first."""
    page = Paginator(list_investigations(), ROWS).get_page(request.GET.get("page"))
    return render(request, "rollouts/investigations.html", {"page": page, "now": clock.now()})


@requires(Capability.VIEW)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one investigation: what was counted, how it spreads, and what can be decided."""
    rows = Investigation.objects.select_related("rollout__release", "rollout__environment", "owner", "rollback")
    investigation = get_object_or_404(rows, pk=pk)
    now, rollout = clock.now(), investigation.rollout
    context: dict[str, Any] = {
        "investigation": investigation,
        "rollout": rollout,
        "findings": find_findings(investigation),
        "flag_names": get_flag_names(),
        "is_open": investigation.ended_at is None,
        "now": now,
    }
    if context["is_open"]:
        context |= {
            "people": list_investigators(),
            "ways_back": list_ways_back(investigation),
            "reach": measure_reach(rollout, exposures_on(rollout), now=now),
        }
    return render(request, "rollouts/investigation.html", context)


@requires(Capability.HANDLE_INCIDENTS)
def act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Take an investigation on, hand it over, or dismiss it."""
    get_object_or_404(Investigation, pk=pk)
    if action not in ACTIONS:
        raise Http404
    if request.method == "POST":
        given: dict[str, Any] = {"investigation_id": pk, "actor": actor_of(request), "now": clock.now()}
        reason = request.POST.get("reason", "")
        if action == "take":
            take_on(**given)
        elif action == "hand-over":
            hand_over(**given, owner_id=read_int(request, "owner") or 0, reason=reason)
        else:
            dismiss_investigation(**given, reason=reason)
        messages.success(request, str(INVESTIGATED[action]))
    return redirect("rollouts:investigation", pk=pk)


@requires(Capability.DRIVE_ROLLOUTS)
def take_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back what the complaints are about: one flag by its number, else everything."""
    get_object_or_404(Investigation, pk=pk)
    if request.method == "POST":
        flag_id = read_int(request, "flag")
        roll_back_investigated(
            investigation_id=pk,
            flag_ids=None if flag_id is None else [flag_id],
            actor=actor_of(request),
            reason=request.POST.get("reason", ""),
            now=clock.now(),
        )
        messages.success(request, _("Taken back: it is off. The tills hear of it now."))
    return redirect("rollouts:investigation", pk=pk)
