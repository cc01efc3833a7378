"""Pages of freezes."""

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
from rollouts.transitions import add_freeze, remove_freeze, shorten_freeze


@requires(Capability.VIEW)
def list_all(request: HttpRequest) -> HttpResponseBase:
    """List freezes; set one."""
    if request.method == "POST":
        return _add(request)
    return _show(request, FreezeForm() if can(request.user, Capability.DRIVE_ROLLOUTS) else None)


@requires(Capability.DRIVE_ROLLOUTS)
def _add(request: HttpRequest) -> HttpResponse:
    form = FreezeForm(request.POST)
    if write_from(form, lambda: add_freeze(**form.wishes, actor=actor_of(request), now=clock.now())):
        messages.success(request, _("Frozen. Plans move off these days; a rollback is always possible."))
        return redirect("rollouts:freezes")
    return _show(request, form)


def _show(request: HttpRequest, form: FreezeForm | None) -> HttpResponse:
    freezes = list_freezes(today=timezone.localdate(clock.now()))
    status = 400 if form and form.errors else 200
    return render(request, "rollouts/freezes.html", {"freezes": freezes, "form": form}, status=status)


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
