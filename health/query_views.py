"""Pages of guardrails that are queries of one's own."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from core import clock
from core.roles import Capability, can, requires
from core.views import actor_of, answer_form, read_version
from flags.current import get_current_environment
from flags.models import Flag
from flags.queries import get_flag_names
from health.asking import ask
from health.models import PrometheusSource, QueryGuardrail
from health.prometheus import QueryReading
from health.query_forms import QueryForm, values_of
from health.query_queries import list_readings
from health.query_transitions import add_query, change_query


@requires(Capability.VIEW)
def query(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a query, its limit, and what it said last."""
    return _show(request, _get(pk))


@requires(Capability.DRIVE_ROLLOUTS)
def try_it(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask now and show the value or the fault; nothing is stored."""
    row = _get(pk)
    flag_key = request.POST.get("flag", "")
    if request.method != "POST":
        return redirect("health:query", pk=row.pk)
    if row.is_per_flag and not Flag.objects.filter(key=flag_key).exists():
        raise Http404
    return _show(request, row, trial=ask(row, flag_key=flag_key), flag_key=flag_key)


def _show(
    request: HttpRequest, row: QueryGuardrail, *, trial: QueryReading | None = None, flag_key: str = ""
) -> HttpResponse:
    context = {
        "query": row,
        "trial": trial,
        "is_beyond": trial is not None and trial.value is not None and row.facts.is_beyond(trial.value),
        "flag_key": flag_key,
        "flags": Flag.objects.filter(archived_at=None).order_by("name") if row.is_per_flag else (),
        "flag_names": get_flag_names(),
        "readings": list_readings(row),
        "can_edit": can(request.user, Capability.DRIVE_ROLLOUTS),
    }
    return render(request, "health/query.html", context)


def _get(pk: int) -> QueryGuardrail:
    return get_object_or_404(QueryGuardrail.objects.select_related("source", "environment"), pk=pk)


@requires(Capability.DRIVE_ROLLOUTS)
def new_query(request: HttpRequest) -> HttpResponse:
    """Add a query to the environment one looks at; without a monitoring system to ask, add that first."""
    environment = get_current_environment(request)
    if environment is None:
        raise Http404
    if not PrometheusSource.objects.filter(environment=environment).exists():
        messages.info(request, _("Add the monitoring system first that is to be asked."))
        return redirect("health:new_source")
    form = QueryForm(request.POST or None, environment=environment)
    made: list[QueryGuardrail] = []
    return answer_form(
        request,
        form,
        lambda: made.append(
            add_query(
                environment_id=environment.pk,
                values=form.values,
                actor=actor_of(request),
                reason=form.cleaned_data["reason"],
                now=clock.now(),
            )
        ),
        then=lambda: redirect("health:query", pk=made[0].pk),
        template="flags/form.html",
        context={
            "title": _("New query in %(environment)s") % {"environment": environment.name},
            "back": "health:guardrails",
            "version": None,
        },
    )


@requires(Capability.DRIVE_ROLLOUTS)
def edit_query(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a query, or switch it off."""
    row = _get(pk)
    form = QueryForm(request.POST or None, environment=row.environment, initial=values_of(row))
    seen = read_version(request, row)
    return answer_form(
        request,
        form,
        lambda: change_query(
            guardrail_id=row.pk,
            values=form.values,
            actor=actor_of(request),
            reason=form.cleaned_data["reason"],
            now=clock.now(),
            seen_version=seen,
        ),
        then=lambda: redirect("health:query", pk=row.pk),
        template="flags/form.html",
        context={"title": row.name, "back": "health:guardrails", "version": seen},
    )
