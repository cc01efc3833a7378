"""Pages of the monitoring systems that are asked."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from core import clock
from core.roles import Capability, can, requires
from core.views import actor_of, answer_form, read_version
from flags.current import get_current_environment
from health.models import PrometheusSource
from health.pulling import get_known
from health.source_forms import SourceForm, values_of
from health.source_transitions import add_source, change_source
from health.trying import Trial, try_source


@requires(Capability.VIEW)
def sources(request: HttpRequest) -> HttpResponse:
    """List what is asked for the environment one looks at, and how that goes."""
    environment = get_current_environment(request)
    rows = PrometheusSource.objects.filter(environment=environment).select_related("pull", "environment")
    context = {
        "sources": list(rows),
        "can_edit": environment is not None and can(request.user, Capability.DRIVE_ROLLOUTS),
    }
    return render(request, "health/sources.html", context)


@requires(Capability.VIEW)
def source(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how asking one source goes, and what it is asked."""
    return _show(request, _get(pk), trial=None)


@requires(Capability.DRIVE_ROLLOUTS)
def try_it(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask a source now and show what came; nothing is stored."""
    row = _get(pk)
    if request.method != "POST":
        return redirect("health:source", pk=row.pk)
    return _show(request, row, trial=try_source(row, known=get_known(), now=clock.now()))


def _show(request: HttpRequest, row: PrometheusSource, *, trial: Trial | None) -> HttpResponse:
    context = {"source": row, "trial": trial, "can_edit": can(request.user, Capability.DRIVE_ROLLOUTS)}
    return render(request, "health/source.html", context)


def _get(pk: int) -> PrometheusSource:
    return get_object_or_404(PrometheusSource.objects.select_related("pull", "environment"), pk=pk)


@requires(Capability.DRIVE_ROLLOUTS)
def new_source(request: HttpRequest) -> HttpResponse:
    """Add a source to the environment one looks at."""
    environment = get_current_environment(request)
    if environment is None:
        raise Http404
    form = SourceForm(request.POST or None)
    made: list[PrometheusSource] = []
    return answer_form(
        request,
        form,
        lambda: made.append(
            add_source(
                environment_id=environment.pk,
                values=form.values,
                secret=form.cleaned_data["secret"],
                actor=actor_of(request),
                reason=form.cleaned_data["reason"],
                now=clock.now(),
            )
        ),
        then=lambda: redirect("health:source", pk=made[0].pk),
        template="flags/form.html",
        context={
            "title": _("New monitoring system in %(environment)s") % {"environment": environment.name},
            "back": "health:sources",
            "version": None,
        },
    )


@requires(Capability.DRIVE_ROLLOUTS)
def edit_source(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a source; its secret stays where none is typed."""
    row = _get(pk)
    form = SourceForm(request.POST or None, initial=values_of(row))
    seen = read_version(request, row)
    return answer_form(
        request,
        form,
        lambda: change_source(
            source_id=row.pk,
            values=form.values,
            secret=form.cleaned_data["secret"] or None,
            actor=actor_of(request),
            reason=form.cleaned_data["reason"],
            now=clock.now(),
            seen_version=seen,
        ),
        then=lambda: redirect("health:source", pk=row.pk),
        template="flags/form.html",
        context={"title": row.name, "back": "health:sources", "version": seen},
    )
