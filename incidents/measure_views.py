"""Measures: on the post-mortem's page, and the list of all that are pending."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone

from core import clock
from core.errors import InvalidInput
from core.models import User
from core.roles import Capability, check_can, requires
from core.versions import map_versions
from core.views import actor_of, find_refusal, read_int
from incidents.action_item_forms import HandOverForm, MeasureFilter, MeasureForm
from incidents.learning_queries import filter_measures
from incidents.models import ActionItem, Incident
from incidents.post_mortem_labels import DONE
from incidents.post_mortem_views import render_page
from incidents.transitions import (
    add_action_item,
    drop_action_item,
    finish_action_item,
    hand_over_action_item,
    reject_action_item,
    verify_action_item,
)

ACTS: Mapping[str, Callable[..., ActionItem]] = {
    "finish": finish_action_item,
    "verify": verify_action_item,
    "reject": reject_action_item,
    "drop": drop_action_item,
}
HAND_OVER = "hand-over"
PAGE_SIZE = 50


@requires(Capability.VIEW)
def list_all(request: HttpRequest) -> HttpResponse:
    """List measures by their date: those that are open or wait to be verified, unless asked otherwise."""
    chosen, today = MeasureFilter(request.GET), timezone.localdate(clock.now())
    rows = ActionItem.objects.none()
    if chosen.is_valid():
        given = chosen.cleaned_data
        rows = filter_measures(
            today=today,
            user=request.user,  # type: ignore[arg-type]  # the guard of the view refuses strangers
            is_mine=given["mine"],
            is_overdue=given["overdue"],
            state=given["state"],
            kind=given["kind"],
            owner=given["owner"],
        )
    found = list(_go_on(rows, request.GET.get("after", ""))[: PAGE_SIZE + 1])
    items, address = found[:PAGE_SIZE], request.GET.copy()
    address.pop("after", None)
    context = {
        "items": items,
        "versions": map_versions(items),
        "after": f"{items[-1].due_on.isoformat()}.{items[-1].pk}" if len(found) > PAGE_SIZE else "",
        "filter": chosen,
        "address": address.urlencode(),
        "is_filtered": any(address.values()),
        "people": User.objects.filter(is_active=True).order_by("username"),
        "today": today,
    }
    return render(request, "incidents/measures.html", context)


def _go_on(rows: QuerySet[ActionItem], after: str) -> QuerySet[ActionItem]:
    """Return the rows after a date and number, all of them where that is none."""
    day, _dot, number = after.partition(".")
    try:
        last = date.fromisoformat(day)
    except ValueError:
        return rows
    if not (number.isascii() and number.isdigit() and len(number) <= 18):
        return rows
    return rows.filter(Q(due_on__gt=last) | Q(due_on=last, pk__gt=int(number)))


@requires(Capability.HANDLE_INCIDENTS)
def add(request: HttpRequest, pk: int) -> HttpResponse:
    """Add a measure."""
    get_object_or_404(Incident, pk=pk)
    if request.method != "POST":
        return redirect("incidents:post_mortem", pk=pk)
    form = MeasureForm(request.POST)
    if not form.is_valid():
        return render_page(request, pk, status=400, measure_form=form)
    given, now = form.cleaned_data, clock.now()
    refusal = find_refusal(
        form,
        lambda: add_action_item(
            incident_id=pk,
            kind=given["kind"],
            title=given["title"],
            owner_id=given["owner"].pk,
            verifier_id=given["verifier"].pk if given["verifier"] else None,
            due_on=given["due_on"],
            actor=actor_of(request),
            today=timezone.localdate(now),
            now=now,
        ),
        fields={"due_in_past": "due_on", "verifier_is_owner": "verifier", "measure_needs_handler": "owner"},
    )
    if refusal is not None:
        return render_page(request, pk, status=refusal.status, measure_form=form)
    messages.success(request, str(DONE["add"]))
    return redirect(f"{reverse('incidents:post_mortem', args=[pk])}#measures")


@requires(Capability.HANDLE_INCIDENTS)
def act(request: HttpRequest, pk: int, item: int, action: str) -> HttpResponse:
    """Say that a measure is done, verify it, open it again, hand it over; giving it up is for those who drive."""
    get_object_or_404(ActionItem, pk=item, post_mortem__incident=pk)
    if action not in ACTS and action != HAND_OVER:
        raise Http404
    if request.method != "POST":
        return redirect("incidents:post_mortem", pk=pk)
    if action == "drop":
        check_can(request.user, Capability.DRIVE_ROLLOUTS)  # type: ignore[arg-type]  # a person, see the guard
    said: dict[str, Any] = {
        "incident_id": pk,
        "item_id": item,
        "actor": actor_of(request),
        "reason": request.POST.get("reason", ""),
        "now": clock.now(),
        "seen": read_int(request, "seen"),
    }
    if action == HAND_OVER:
        hand_over_action_item(**said, **_read_hand_over(request), today=timezone.localdate(said["now"]))
    else:
        ACTS[action](**said)
    messages.success(request, str(DONE[action]))
    if request.POST.get("back") == "list":
        return redirect("incidents:measures")
    return redirect(f"{reverse('incidents:post_mortem', args=[pk])}#measure-{item}")


def _read_hand_over(request: HttpRequest) -> dict[str, Any]:
    form = HandOverForm(request.POST)
    if not form.is_valid():
        raise InvalidInput("values_wrong", fields=", ".join(form.errors))
    given = form.cleaned_data
    return {
        "owner_id": given["owner"].pk,
        "verifier_id": given["verifier"].pk if given["verifier"] else None,
        "due_on": given["due_on"],
    }
