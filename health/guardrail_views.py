"""Pages of guardrails: how they are set, and what they decided."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from core import clock
from core.roles import Capability, can, requires
from core.views import actor_of, answer_form, read_version
from flags.current import get_current_environment
from flags.models import Flag
from flags.queries import get_flag_names, get_site_names
from health.domain import query_lane
from health.domain.guardrail import LIMITS
from health.guardrail_forms import GuardrailForm
from health.guardrail_queries import get_guardrail, list_decisions, list_overrides, list_settings, make_default
from health.guardrail_transitions import forget_guardrail, set_guardrail
from health.models import Guardrail, Lane
from health.query_queries import list_queries

MOST_DECISIONS = 100


@requires(Capability.VIEW)
def guardrails(request: HttpRequest) -> HttpResponse:
    """Show how each lane is set, which flags have their own guardrail, and what was decided; filters in the address."""
    environment = get_current_environment(request)
    key = environment.key if environment else ""
    flag_key, lane = request.GET.get("flag", ""), request.GET.get("lane", "")
    context = {
        "settings": list_settings(environment_key=key),
        "overrides": list_overrides(key),
        "queries": list_queries(environment_key=key, now=clock.now()),
        "decisions": list_decisions(environment_key=key, at_most=MOST_DECISIONS, flag_key=flag_key, lane=lane),
        "flag_names": get_flag_names(),
        "site_names": get_site_names(),
        "flags": Flag.objects.filter(archived_at=None).order_by("name"),
        "lanes": Lane.choices,
        "flag_lanes": [(value, words) for value, words in Lane.choices if LIMITS[value].by_flag],
        "query_lane": query_lane.LANE,
        "flag_key": flag_key,
        "lane": lane,
        "can_set": environment is not None and can(request.user, Capability.DRIVE_ROLLOUTS),
    }
    return render(request, "health/guardrails.html", context)


@requires(Capability.DRIVE_ROLLOUTS)
def guardrail(request: HttpRequest, lane: str) -> HttpResponse:
    """Say what a lane does in the environment one looks at, with a reason; `?flag=` for one flag alone."""
    environment = get_current_environment(request)
    if environment is None or lane not in Lane.values:
        raise Http404
    flag = _find_flag(request)
    if flag is not None and not LIMITS[lane].by_flag:
        raise Http404
    now_set = get_guardrail(environment_key=environment.key, lane=lane, flag_key=flag.key if flag else None)
    own = now_set if now_set.flag_id == (flag.pk if flag else None) else make_default(lane)
    form = GuardrailForm(request.POST or None, lane=Lane(lane), now_set=now_set, flag=flag)
    seen = read_version(request, own)
    names = {"lane": Lane(lane).label, "environment": environment.name, "flag": flag.name if flag else ""}
    title = _("%(lane)s of %(flag)s in %(environment)s") if flag else _("%(lane)s in %(environment)s")
    return answer_form(
        request,
        form,
        lambda: set_guardrail(
            environment_id=environment.pk,
            wish=form.read_wish(),
            actor=actor_of(request),
            reason=form.cleaned_data["reason"],
            now=clock.now(),
            seen_version=seen,
        ),
        then=lambda: _say_saved(request, title % names),
        template="flags/form.html",
        context={"title": title % names, "back": "health:guardrails", "version": seen},
    )


def _say_saved(request: HttpRequest, what: str) -> HttpResponse:
    messages.success(request, _("Saved: %(what)s. It counts from the next look on, within seconds.") % {"what": what})
    return redirect("health:guardrails")


def _find_flag(request: HttpRequest) -> Flag | None:
    key = request.GET.get("flag", "")
    if not key:
        return None
    flag = Flag.objects.filter(key=key).first()
    if flag is None:
        raise Http404
    return flag


@requires(Capability.DRIVE_ROLLOUTS)
def forget(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a flag's own guardrail away, with a reason."""
    environment = get_current_environment(request)
    if environment is None or not Guardrail.objects.filter(pk=pk, environment=environment).exists():
        raise Http404
    if request.method == "POST":
        reason = request.POST.get("reason", "")
        forget_guardrail(guardrail_id=pk, actor=actor_of(request), reason=reason, now=clock.now())
        messages.success(request, _("What holds for the others holds for it again."))
    return redirect("health:guardrails")
