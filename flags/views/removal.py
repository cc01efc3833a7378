"""Flags that are to be removed: the list of them, and one that is kept on purpose."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from core import clock
from core.roles import Capability, requires
from core.views import actor_of
from flags.models import Flag
from flags.removal_queries import list_removal_rows
from flags.transitions import keep_flag


@requires(Capability.VIEW)
def list_all(request: HttpRequest) -> HttpResponse:
    """List what can be removed, and what stands in the way."""
    context = {"rows": list_removal_rows(now=clock.now()), "days": settings.FLAG_STALE_AFTER_DAYS}
    return render(request, "flags/removal.html", context)


@requires(Capability.EDIT_FLAGS)
def keep(request: HttpRequest, key: str) -> HttpResponse:
    """Keep a flag on purpose, with the reason."""
    flag = get_object_or_404(Flag, key=key)
    if request.method == "POST":
        reason = request.POST.get("reason", "")
        kept = keep_flag(flag_id=flag.pk, actor=actor_of(request), reason=reason, now=clock.now())
        messages.success(
            request, _("Kept on purpose: it is due for removal no more.") if kept else _("It was so already.")
        )
    return redirect("flags:removal")
