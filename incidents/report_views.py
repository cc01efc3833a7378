"""The compliance report of incidents: a page, and the same as CSV."""

from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from core import clock
from core.clock import get_zone
from core.roles import Capability, requires
from flags.current import get_current_environment
from flags.queries import get_site_names
from incidents.domain.compliance import Part, Report
from incidents.report_csv import write_csv
from incidents.report_forms import ReportFilter
from incidents.report_plots import plot_lengths, plot_outcomes
from incidents.report_queries import Wish, compose_report, list_cells, list_missed, list_running
from rollouts.domain.month import Month

#: Of missed and of running incidents; and of sites, those with most missed ones first.
MOST_INCIDENTS, MOST_SITES = 50, 50


@requires(Capability.VIEW)
def show(request: HttpRequest) -> HttpResponse:
    """Show the report; a filter that cannot be read shows nothing but its fault."""
    form = _read(request)
    if not form.is_valid():
        return render(request, "incidents/report.html", {"filter": form}, status=400)
    wish, zone, now = form.to_wish(), get_zone(), clock.now()
    report = compose_report(wish, zone=zone, now=now)
    context = {
        "filter": form,
        "address": request.GET.urlencode(),
        "report": report,
        "months": (report.real.months[0].month, report.real.months[-1].month),
        "site_names": get_site_names(),
        "real": _show_part(report.real),
        "rehearsed": _show_part(report.rehearsed),
        **_list_single(wish, report, zone),
    }
    return render(request, "incidents/report.html", context)


@requires(Capability.VIEW)
def export(request: HttpRequest) -> HttpResponse:
    """Answer the report's cells as CSV: a line for each month, tier and site."""
    form = _read(request)
    if not form.is_valid():
        return render(request, "incidents/report.html", {"filter": form}, status=400)
    wish = form.to_wish()
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="incidents-{wish.first}-{wish.last}.csv"'
    write_csv(response, list_cells(wish, zone=get_zone(), now=clock.now()))
    return response


def _read(request: HttpRequest) -> ReportFilter:
    today = timezone.localdate(clock.now())
    return ReportFilter(request.GET, today=Month(today.year, today.month), environment=get_current_environment(request))


def _list_single(wish: Wish, report: Report, zone: ZoneInfo) -> dict[str, object]:
    """Return the missed and the running ones, the latest; what the report counts none of is not asked for."""
    total = report.real.total
    missed = list_missed(wish, zone=zone, now=report.made_at)[:MOST_INCIDENTS] if total.missed else []
    running = list_running(wish, zone=zone)[:MOST_INCIDENTS] if total.overdue or total.running else []
    return {"missed": missed, "running": running, "most": MOST_INCIDENTS}


def _show_part(part: Part) -> dict[str, object]:
    return {
        "part": part,
        "sites": part.sites[:MOST_SITES],
        "sites_left_out": max(0, len(part.sites) - MOST_SITES),
        "outcomes": plot_outcomes(part.months),
        "restored": plot_lengths(part.months, of="restore"),
        "acknowledged": plot_lengths(part.months, of="acknowledge"),
    }
