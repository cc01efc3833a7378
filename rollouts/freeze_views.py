"""Pages of freezes."""

from collections.abc import Sequence
from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from core import clock
from core.errors import InvalidInput
from core.roles import Capability, can, requires
from core.views import actor_of, read_int, write_from
from rollouts.freeze_forms import FreezeForm, ShortenForm
from rollouts.freeze_queries import list_freezes
from rollouts.models import Rollout
from rollouts.transitions import add_freeze, preview_freeze, remove_freeze, shorten_freeze


@requires(Capability.VIEW)
def list_all(request: HttpRequest) -> HttpResponseBase:
    """List freezes; set one."""
    if request.method == "POST":
        return _add(request)
    return _show(request, FreezeForm() if can(request.user, Capability.DRIVE_ROLLOUTS) else None)


@requires(Capability.DRIVE_ROLLOUTS)
def _add(request: HttpRequest) -> HttpResponse:
    """Say which plans a freeze moves, then set it."""
    form = FreezeForm(request.POST)
    now = clock.now()
    if "confirm" in request.POST:
        if write_from(form, lambda: add_freeze(**form.wishes, actor=actor_of(request), now=now)):
            messages.success(request, _("Frozen. Plans have moved off these days; a rollback is always possible."))
            return redirect("rollouts:freezes")
        return _show(request, form)
    moves: list[tuple[Rollout, int]] = []
    drawn = write_from(form, lambda: moves.extend(preview_freeze(**form.wishes, now=now)))
    return _show(request, form, moves=moves if drawn else None)


def _show(
    request: HttpRequest, form: FreezeForm | None, *, moves: Sequence[tuple[Rollout, int]] | None = None
) -> HttpResponse:
    context = {
        "freezes": list_freezes(today=timezone.localdate(clock.now())),
        "form": form,
        "is_drawn": moves is not None,
        "moves": moves or [],
    }
    return render(request, "rollouts/freezes.html", context, status=400 if form and form.errors else 200)


@requires(Capability.DRIVE_ROLLOUTS)
def shorten(request: HttpRequest, pk: int) -> HttpResponse:
    """End a freeze earlier."""
    if request.method == "POST":
        form = ShortenForm(request.POST)
        if not form.is_valid():
            raise InvalidInput("values_wrong", fields=", ".join(form.errors))
        shorten_freeze(
            freeze_id=pk,
            ends_on=form.cleaned_data["last_on"] + timedelta(days=1),
            actor=actor_of(request),
            reason=form.cleaned_data["reason"],
            now=clock.now(),
            seen_version=read_int(request, "version") or 0,
        )
        messages.success(request, _("Done. Dates that were promised stay as they are."))
    return redirect("rollouts:freezes")


@requires(Capability.DRIVE_ROLLOUTS)
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a freeze away that has not begun."""
    if request.method == "POST":
        remove_freeze(
            freeze_id=pk,
            actor=actor_of(request),
            reason=request.POST.get("reason", ""),
            now=clock.now(),
            seen_version=read_int(request, "version") or 0,
        )
        messages.success(request, _("Done. Dates that were promised stay as they are."))
    return redirect("rollouts:freezes")
