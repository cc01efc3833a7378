"""Pages of health: figures and verdicts, complaints."""

from datetime import timedelta

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from core import clock
from core.roles import Capability, can, requires
from core.views import actor_of, answer_form, read_version
from flags.current import get_current_environment
from flags.queries import get_flag_names
from health.complaint_queries import find_usual
from health.domain.complaints import DAILY_COMPLAINT_LIMIT
from health.forms import GuardrailForm
from health.models import Lane, StoredVerdict
from health.queries import (
    figures_by_flag,
    last_reports,
    verdicts_by_flag,
)
from health.ratio_queries import get_guardrail
from health.ratio_transitions import set_guardrail

SITE_SESSION_KEY = "complaint_site"
FIGURES_SPAN = timedelta(hours=1)
PAGE_SIZE = 50


@requires(Capability.VIEW)
def overview(request: HttpRequest) -> HttpResponse:
    """Show the verdict on each flag, the last hour of the fleet, and who is silent."""
    now = clock.now()
    environment = get_current_environment(request)
    key = environment.key if environment else ""
    since = now - FIGURES_SPAN
    context = {
        "verdicts": verdicts_by_flag(environment_key=key),
        "flag_names": get_flag_names(),
        "figures": figures_by_flag(environment_key=key, since=since, until=now),
        "reports": last_reports(environment_key=key, since=since, until=now),
        "changes": list(StoredVerdict.objects.filter(environment_key=key)[:30]),
        "guardrail": get_guardrail(environment_key=key, lane=Lane.ERROR_RATE),
        "limit": DAILY_COMPLAINT_LIMIT,
        "usual": find_usual(environment_key=key, now=now),
        "can_set": environment is not None and can(request.user, Capability.DRIVE_ROLLOUTS),
    }
    fragment = getattr(request, "htmx", False)
    return render(request, "health/_overview.html" if fragment else "health/overview.html", context)


@requires(Capability.DRIVE_ROLLOUTS)
def guardrail(request: HttpRequest, lane: str) -> HttpResponse:
    """Say what a lane does in the environment one looks at, with a reason."""
    environment = get_current_environment(request)
    if environment is None or lane not in Lane.values:
        raise Http404
    now_set = get_guardrail(environment_key=environment.key, lane=lane)
    form = GuardrailForm(request.POST or None, initial={"mode": now_set.mode, "percent": f"{now_set.percent:g}"})
    seen = read_version(request, now_set)
    return answer_form(
        request,
        form,
        lambda: set_guardrail(
            environment_id=environment.pk,
            lane=lane,
            **form.wishes,
            actor=actor_of(request),
            now=clock.now(),
            seen_version=seen,
        ),
        then=lambda: redirect("health:overview"),
        template="flags/form.html",
        context={
            "title": _("%(lane)s in %(environment)s") % {"lane": Lane(lane).label, "environment": environment.name},
            "back": "health:overview",
            "version": seen,
        },
    )
