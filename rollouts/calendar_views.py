"""Pages of the calendar."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from core import clock
from core.roles import Capability, requires
from rollouts.domain.month import Month, read_month
from rollouts.month_queries import list_month


@requires(Capability.VIEW)
def show_month(request: HttpRequest) -> HttpResponse:
    """Show a month of all environments, or of one; the address carries both. Made to be printed, too."""
    now = clock.now()
    today = timezone.localdate(now)
    month = read_month(request.GET.get("month", ""), today=today)
    environment_key = request.GET.get("environment", "")
    weeks = list_month(month, environment_key=environment_key, now=now)
    context = {
        "month": month,
        "weeks": weeks,
        "environment_key": environment_key,
        "this_month": Month(today.year, today.month),
        "is_empty": not any(day.lines for week in weeks for day in week.days if day.is_within),
    }
    return render(request, "rollouts/calendar.html", context)
