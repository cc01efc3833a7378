"""Pages of procedures: what was asked before and after a rollback, who said so, and whether it helped."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from core import clock
from core.errors import InvalidInput
from core.models import User
from core.roles import Capability, can, check_can, requires
from core.versions import map_versions
from core.views import actor_of, read_int
from procedures.domain.checklists import ItemState, Stage, can_override, is_in_words, is_supports
from procedures.labels import SAID, write_statement
from procedures.models import Procedure, ProcedureItem
from procedures.queries import get_procedure, list_procedures
from procedures.transitions.saying import say

ROWS = 30


@dataclass(frozen=True)
class Line:
    """An item as the page shows it to one person, in a version. `note`: what somebody wrote with the answer."""

    item: ProcedureItem
    version: int
    is_in_words: bool
    can_pass: bool
    can_say: bool
    is_managers: bool
    note: str


@requires(Capability.VIEW)
def list_all(request: HttpRequest) -> HttpResponse:
    """List the procedures, newest first."""
    page = Paginator(list_procedures(), ROWS).get_page(request.GET.get("page"))
    return render(request, "procedures/list.html", {"page": page})


@requires(Capability.VIEW)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a procedure; its figures refresh themselves while it is watched."""
    procedure = get_procedure(pk)
    items = sorted(procedure.items.all(), key=_order)
    versions = map_versions(items)
    lines = [_describe(item, version=versions[item.pk], user=request.user) for item in items]
    until = procedure.done_at or clock.now()
    context = {
        "procedure": procedure,
        "stages": [(stage, list(rows)) for stage, rows in groupby(lines, key=lambda line: line.item.stage)],
        "open_count": sum(item.state == ItemState.OPEN for item in items),
        "is_open": procedure.ended_at is None,
        "late_by": max(until - procedure.deadline_at, timedelta()),
    }
    template = "procedures/_figures.html" if getattr(request, "htmx", False) else "procedures/detail.html"
    return render(request, template, context)


@requires(Capability.HANDLE_INCIDENTS)
def say_item(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep what a person says of an item; a yes needs no reason, and is kept in the statement's own words then."""
    procedure = get_procedure(pk)
    if request.method != "POST":
        return redirect("procedures:detail", pk=pk)
    item = get_object_or_404(ProcedureItem, pk=read_int(request, "item"), procedure=procedure)
    check_can(cast("User", request.user), _needed(item))
    state, said = request.POST.get("state", ""), request.POST.get("reason", "")
    if state not in SAID or (is_in_words(item.code) and state != ItemState.MET):
        raise InvalidInput("values_wrong", fields="state")
    is_plain_yes = state == ItemState.MET and not said.strip() and not is_in_words(item.code)
    say(
        item_id=item.pk,
        state=ItemState(state),
        actor=actor_of(request),
        reason=write_statement(item.code) if is_plain_yes else said,
        now=clock.now(),
        seen=read_int(request, "version"),
    )
    return redirect(f"{reverse('procedures:detail', args=[pk])}#item-{item.pk}")


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


def _needed(item: ProcedureItem) -> Capability:
    """Return what somebody must be allowed to do to answer an item."""
    return Capability.HANDLE_INCIDENTS if is_supports(item.code) else Capability.DRIVE_ROLLOUTS


def _describe(item: ProcedureItem, *, version: int, user: Any) -> Line:
    is_persons = item.state == ItemState.OPEN or not item.data
    return Line(
        item=item,
        version=version,
        is_in_words=is_in_words(item.code),
        can_pass=can_override(Stage(item.stage)),
        can_say=is_persons and can(user, _needed(item)),
        is_managers=not is_supports(item.code),
        note="" if item.proof == write_statement(item.code) else item.proof,
    )


def _order(item: ProcedureItem) -> tuple[int, int]:
    return list(Stage).index(Stage(item.stage)), item.position
