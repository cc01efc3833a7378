"""Where complaints came from, on pages of the apps below."""

from collections.abc import Iterable
from typing import Any

from django import template

from health.models import Complaint
from notices.models import ProblemReport

register = template.Library()


@register.simple_tag
def reports_of(complaints: Iterable[Complaint]) -> dict[int, ProblemReport]:
    """Return what stood around complaints that came from a till or by a link, by their numbers: one query."""
    rows = ProblemReport.objects.filter(complaint__in=[one.pk for one in complaints])
    return {row.complaint_id: row for row in rows}


@register.inclusion_tag("notices/_report.html")
def report_of(complaint: Complaint, reports: dict[int, ProblemReport]) -> dict[str, Any]:
    """Render where a complaint came from and which flags were in force; nothing of one that support typed."""
    return {"report": reports.get(complaint.pk)}
