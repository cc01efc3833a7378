"""Pages of drills: month by month, begun by hand, and the report of each."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render

from core import clock
from core.roles import Capability, requires
from core.views import actor_of, answer_form
from flags.models import Environment
from flags.queries import get_flag_names
from recovery.domain.lifecycle import DrillStatus
from recovery.drill_queries import find_reason, get_drill, list_environment_drills, list_in_the_way, list_trend
from recovery.drill_report import write_json, write_markdown
from recovery.forms import DrillForm
from recovery.models import Drill
from recovery.transitions.drilling import begin_drill


@requires(Capability.VIEW)
def list_all(request: HttpRequest) -> HttpResponse:
    """List the environments that are drilled, each with its last drills."""
    rows = list_environment_drills(now=clock.now())
    return render(request, "recovery/drills.html", {"rows": [(row, list_trend(row.drills)) for row in rows]})


@requires(Capability.OPERATE_TARGETS)
def start(request: HttpRequest, key: str) -> HttpResponse:
    """Begin a drill of an environment."""
    environment = get_object_or_404(Environment, key=key)
    form = DrillForm(request.POST or None)
    begun: list[Drill] = []
    return answer_form(
        request,
        form,
        lambda: begun.append(
            begin_drill(
                environment=environment, actor=actor_of(request), reason=form.cleaned_data["reason"], now=clock.now()
            )
        ),
        then=lambda: redirect("recovery:drill", pk=begun[0].pk),
        template="recovery/drill_form.html",
        context={"environment": environment},
    )


@requires(Capability.VIEW)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a drill's report; the page refreshes itself while it runs."""
    drill = get_drill(pk)
    context = {
        "drill": drill,
        "operations": drill.operations.select_related("target").order_by("pk"),
        "trend": list_trend([drill]),
        "flag_names": get_flag_names(),
        "is_running": drill.status == DrillStatus.RUNNING,
        "why": find_reason(drill),
        "in_the_way": list_in_the_way(drill) if drill.status == DrillStatus.RUNNING else [],
    }
    template = "recovery/_drill.html" if getattr(request, "htmx", False) else "recovery/drill.html"
    return render(request, template, context)


@requires(Capability.VIEW)
def export(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """Return a drill's report as a file."""
    drill = get_drill(pk)
    if kind == "json":
        answer: HttpResponse = JsonResponse(write_json(drill), json_dumps_params={"indent": 2})
    else:
        answer = HttpResponse(write_markdown(drill), content_type="text/markdown; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="drill-{drill.pk}.{kind}"'
    return answer
