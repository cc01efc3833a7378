"""Pages of health: figures and verdicts, complaints."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core import clock
from core.roles import Capability, can, requires
from flags.current import get_current_environment
from flags.queries import get_flag_names
from health.complaint_queries import find_usual
from health.guardrail_queries import get_complaint_limit, list_settings
from health.models import StoredVerdict
from health.queries import (
    figures_by_flag,
    last_reports,
    verdicts_by_flag,
)

SITE_SESSION_KEY = "complaint_site"
FIGURES_SPAN = timedelta(hours=1)
PAGE_SIZE = 50


@requires(Capability.VIEW)
def overview(request: HttpRequest) -> HttpResponse:
    """Show the verdict on each flag, the last hour of the fleet, and who is silent."""
    now = clock.now()
    environment = get_current_environment(request)
    key = environment.key if environment else ""
    since, limit = now - FIGURES_SPAN, get_complaint_limit(key)
    context = {
        "verdicts": verdicts_by_flag(environment_key=key),
        "flag_names": get_flag_names(),
        "figures": figures_by_flag(environment_key=key, since=since, until=now),
        "reports": last_reports(environment_key=key, since=since, until=now),
        "changes": list(StoredVerdict.objects.filter(environment_key=key)[:30]),
        "settings": list_settings(environment_key=key),
        "limit": limit,
        "usual": find_usual(environment_key=key, now=now, limit=limit),
        "can_set": environment is not None and can(request.user, Capability.DRIVE_ROLLOUTS),
    }
    fragment = getattr(request, "htmx", False)
    return render(request, "health/_overview.html" if fragment else "health/overview.html", context)
