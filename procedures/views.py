"""Pages of procedures: what was asked before and after a rollback, who said so, and whether it helped."""

from itertools import groupby

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from core import clock
from core.errors import InvalidInput
from core.roles import Capability, requires
from core.views import actor_of, read_int
from procedures.domain.checklists import ItemState, Stage, can_override
from procedures.labels import SAID
from procedures.models import Procedure, ProcedureItem
from procedures.queries import get_procedure, list_procedures
from procedures.transitions.saying import say

ROWS = 30


@requires(Capability.VIEW)
def list_all(request: HttpRequest) -> HttpResponse:
    """List the procedures, newest first."""
    page = Paginator(list_procedures(), ROWS).get_page(request.GET.get("page"))
    return render(request, "procedures/list.html", {"page": page})


@requires(Capability.VIEW)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a procedure; its figures refresh themselves while it is watched."""
    procedure = get_procedure(pk)
    items = list(procedure.items.order_by("position"))
    by_stage = {stage: list(rows) for stage, rows in groupby(sorted(items, key=_order), key=lambda item: item.stage)}
    context = {
        "procedure": procedure,
        "stages": [(stage, by_stage[stage], can_override(stage)) for stage in Stage if stage in by_stage],
        "is_open": procedure.ended_at is None,
        "is_late": (procedure.done_at or clock.now()) > procedure.deadline_at,
    }
    template = "procedures/_figures.html" if getattr(request, "htmx", False) else "procedures/detail.html"
    return render(request, template, context)


@requires(Capability.DRIVE_ROLLOUTS)
def say_item(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep what a person says of an item."""
    procedure = get_procedure(pk)
    if request.method == "POST":
        item = get_object_or_404(ProcedureItem, pk=read_int(request, "item"), procedure=procedure)
        state = request.POST.get("state", "")
        if state not in SAID:
            raise InvalidInput("values_wrong", fields="state")
        say(
            item_id=item.pk,
            state=ItemState(state),
            actor=actor_of(request),
            reason=request.POST.get("reason", ""),
            now=clock.now(),
        )
        messages.success(request, str(SAID[state]))
    return redirect("procedures:detail", pk=pk)


@requires(Capability.VIEW)
def of_rollback(request: HttpRequest, pk: int) -> HttpResponse:
    """Lead to the procedure of a rollback of flags."""
    return _lead(request, Procedure.objects.filter(rollback=pk).first())


@requires(Capability.VIEW)
def of_operation(request: HttpRequest, pk: int) -> HttpResponse:
    """Lead to the procedure that a target's rollback belongs to."""
    return _lead(request, Procedure.objects.filter(parts__operation=pk).first())


def _lead(request: HttpRequest, procedure: Procedure | None) -> HttpResponse:
    if procedure is None:
        messages.info(request, _("Its procedure is opened within seconds: look again in a moment."))
        return redirect("procedures:list")
    return redirect("procedures:detail", pk=procedure.pk)


def _order(item: ProcedureItem) -> tuple[int, int]:
    return list(Stage).index(Stage(item.stage)), item.position
