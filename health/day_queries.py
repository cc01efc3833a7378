"""Reads of health by civil day."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models import Sum
from django.db.models.functions import TruncDate

from health.domain.minutes import floor_minute
from health.models import SiteMinute


def sum_requests_by_day(
    *, environment_key: str, since: datetime, until: datetime, zone: ZoneInfo
) -> dict[date, tuple[int, int]]:
    """Return requests and errors of all tills on each day of a zone in the minutes of [since, until): one query.

    The day is that of receipt: what a till hands over late counts when it came.
    """
    rows = (
        SiteMinute.objects.filter(
            environment__key=environment_key, flag=None, minute__gte=floor_minute(since), minute__lt=until
        )
        .annotate(day=TruncDate("minute", tzinfo=zone))
        .values("day")
        .annotate(n=Sum("requests"), e=Sum("errors"))
        .order_by("day")
    )
    return {row["day"]: (row["n"], row["e"]) for row in rows}
