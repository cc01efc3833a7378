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
from health.overview_queries import count_verdicts, list_feature_health
from health.queries import last_reports

SITE_SESSION_KEY = "complaint_site"
FIGURES_SPAN = timedelta(hours=1)
PAGE_SIZE = 50


@requires(Capability.VIEW)
def overview(request: HttpRequest) -> HttpResponse:
    """Show each feature with its verdicts and its last hour, and which site is silent."""
    now = clock.now()
    environment = get_current_environment(request)
    key = environment.key if environment else ""
    since, limit = now - FIGURES_SPAN, get_complaint_limit(key)
    features = list_feature_health(environment_key=key, since=since, until=now)
    context = {
        "features": features,
        "counted": count_verdicts(features),
        "flag_names": get_flag_names(),
        "reports": last_reports(environment_key=key, since=since, until=now),
        "changes": list(StoredVerdict.objects.filter(environment_key=key)[:30]),
        "settings": list_settings(environment_key=key),
        "limit": limit,
        "usual": find_usual(environment_key=key, now=now, limit=limit),
        "can_set": environment is not None and can(request.user, Capability.DRIVE_ROLLOUTS),
    }
    fragment = getattr(request, "htmx", False)
    return render(request, "health/_overview.html" if fragment else "health/overview.html", context)
