"""Sums over one window, of all tills of an environment."""

from datetime import datetime
from typing import NamedTuple

from django.db.models import Sum

from health.domain.samples import MAX_AHEAD
from health.models import Complaint, ComplaintStatus, Sample


class WindowSums(NamedTuple):
    """`critical`: critical and integrity errors; `complaints`: those that count, neither spam nor duplicate."""

    requests: int
    errors: int
    critical: int
    complaints: int


def sum_window(*, environment_key: str, since: datetime, until: datetime) -> WindowSums:
    """Return what tills saw and people said in [since, until): two queries.

    Of the samples themselves, by when they began: a rollback's window is cut to the second.
    """
    rows = Sample.objects.filter(
        environment__key=environment_key,
        flag=None,
        start_at__gte=since,
        start_at__lt=until,
        # None is received earlier: it says which days to look in.
        received_at__gte=since - MAX_AHEAD,
    )
    found = rows.aggregate(n=Sum("requests"), e=Sum("errors"), c=Sum("critical_errors"), i=Sum("integrity_errors"))
    said = Complaint.objects.filter(
        environment__key=environment_key, logged_at__gte=since, logged_at__lt=until, status=ComplaintStatus.NEW
    )
    return WindowSums(found["n"] or 0, found["e"] or 0, (found["c"] or 0) + (found["i"] or 0), said.count())
