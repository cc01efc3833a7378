"""Pages of a rollout's health: charts, and the report before and after."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from ninja.responses import NinjaJSONEncoder

from core import clock
from core.roles import Capability, requires
from flags.models import Site
from flags.queries import get_flag_names
from rollouts.api.report_routes import say_report
from rollouts.chart_labels import FIGURES, MARKS, RANGES
from rollouts.health_charts import Asked, Range, compose_health_page
from rollouts.health_report import compose_report
from rollouts.models import Rollout
from rollouts.plots import Figure


@requires(Capability.VIEW)
def show_charts(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a rollout's charts; the address says the range, the small charts' figure, and the site and flag."""
    rollout = _get(pk)
    now = clock.now()
    page = compose_health_page(rollout, _read(request), now=now)
    words = FIGURES[page.asked.figure]
    context = {
        "rollout": rollout,
        "page": page,
        "ranges": RANGES.items(),
        "figures": FIGURES.items(),
        "marks": MARKS.items(),
        "flag_names": get_flag_names(),
        "site_names": {site.key: site.name for site in page.sites},
        "sides": [
            {"name": "site", "plots": page.by_site, "left_out": page.left_out, "words": words},
            {"name": "flag", "plots": page.by_flag, "left_out": 0, "words": words},
        ],
    }
    return render(request, "rollouts/health.html", context)


@requires(Capability.VIEW)
def show_report(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the report before and after, made to be printed, too."""
    rollout = _get(pk)
    report = compose_report(rollout, now=clock.now())
    context = {
        "rollout": rollout,
        "report": report,
        "parts": [report.release, *report.phases],
        "flag_names": get_flag_names(),
        "site_names": dict(Site.objects.values_list("key", "name")),
    }
    return render(request, "rollouts/report.html", context)


@requires(Capability.VIEW)
def export_report(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer the report as a JSON file, as the API says it."""
    rollout = _get(pk)
    said = say_report(rollout, compose_report(rollout, now=clock.now()))
    answer = JsonResponse(said.model_dump(), encoder=NinjaJSONEncoder, json_dumps_params={"indent": 2})
    answer["Content-Disposition"] = f'attachment; filename="health-report-{rollout.pk}.json"'
    return answer


def _read(request: HttpRequest) -> Asked:
    """Return what the address asks for; what it misspells is as if it were not there."""
    range_, figure = (request.GET.get(name, "") for name in ("range", "figure"))
    return Asked(
        range=Range(range_) if range_ in set(Range) else Range.ROLLOUT,
        figure=Figure(figure) if figure in set(Figure) else Figure.ERRORS,
        site_key=request.GET.get("site", ""),
        flag_key=request.GET.get("flag", ""),
        transaction=request.GET.get("transaction"),
    )


def _get(pk: int) -> Rollout:
    return get_object_or_404(Rollout.objects.select_related("release", "environment"), pk=pk)
