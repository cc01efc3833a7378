"""The part of a flag's page that counts tills while they fetch."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from core import clock
from core.roles import Capability, requires
from flags.models import Environment, Flag
from flags.reach import confirm_flags


@requires(Capability.VIEW)
def show(request: HttpRequest, key: str, environment: str) -> HttpResponse:
    """Show which tills have a flag's last change in one environment; a page of its own is the flag's."""
    flag = get_object_or_404(Flag, key=key)
    place = get_object_or_404(Environment, key=environment)
    if not getattr(request, "htmx", False):
        return redirect("flags:detail", key=key)
    confirmation = confirm_flags(environment_id=place.pk, flag_ids=[flag.pk], now=clock.now())[flag.pk]
    return render(request, "flags/_reach.html", {"flag": flag, "environment": place, "confirmation": confirmation})
