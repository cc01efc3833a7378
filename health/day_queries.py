"""Reads of health by civil day."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models import Sum
from django.db.models.functions import TruncDate

from health.models import Sample


def sum_requests_by_day(
    *, environment_key: str, since: datetime, until: datetime, zone: ZoneInfo
) -> dict[date, tuple[int, int]]:
    """Return requests and errors of all tills on each day of a zone in [since, until): one query."""
    rows = (
        Sample.objects.filter(environment__key=environment_key, flag=None, start_at__gte=since, start_at__lt=until)
        .annotate(day=TruncDate("start_at", tzinfo=zone))
        .values("day")
        .annotate(n=Sum("requests"), e=Sum("errors"))
        .order_by("day")
    )
    return {row["day"]: (row["n"], row["e"]) for row in rows}
