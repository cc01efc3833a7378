"""The duty roster: who answers the phone for which site, and where nobody does."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from core import clock
from core.roles import Capability, can, requires
from core.views import actor_of, find_refusal, read_int
from rollouts.support_forms import ShiftForm
from rollouts.support_queries import get_roster, list_coming_shifts
from rollouts.transitions.rostering import add_shift, remove_shift


@requires(Capability.VIEW)
def show(request: HttpRequest) -> HttpResponse:
    """Show the coming two weeks, and the shifts they are made of."""
    return _show(request, ShiftForm() if can(request.user, Capability.DRIVE_ROLLOUTS) else None)


def _show(request: HttpRequest, form: ShiftForm | None) -> HttpResponse:
    now = clock.now()
    context = {"roster": get_roster(now=now), "shifts": list_coming_shifts(now=now), "form": form}
    return render(request, "rollouts/support.html", context, status=400 if form and form.errors else 200)


@requires(Capability.DRIVE_ROLLOUTS)
def add(request: HttpRequest) -> HttpResponse:
    """Put somebody on duty."""
    if request.method != "POST":
        return redirect("rollouts:support")
    form = ShiftForm(request.POST)
    if not form.is_valid() or find_refusal(
        form,
        lambda: add_shift(**form.wishes, actor=actor_of(request), now=clock.now()),
        fields={"shift_days_wrong": "last_on"},
    ):
        return _show(request, form)
    messages.success(request, _("%(name)s is on duty.") % {"name": form.cleaned_data["name"]})
    return redirect("rollouts:support")


@requires(Capability.DRIVE_ROLLOUTS)
def remove(request: HttpRequest) -> HttpResponse:
    """Take a shift out of the roster."""
    if request.method == "POST":
        remove_shift(
            shift_id=read_int(request, "shift") or 0,
            actor=actor_of(request),
            reason=request.POST.get("reason", ""),
            now=clock.now(),
        )
        messages.success(request, _("Shift taken out of the roster."))
    return redirect("rollouts:support")
