"""Reads of the complaints of today and of the days that are like it."""

from collections.abc import Collection
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from core.domain.business_time import local_day
from health.domain.complaints import Heard, Voice, days_ago
from health.domain.usual_level import WEEKS, is_limit_usual, measure_usual
from health.models import ComplaintStatus
from health.queries import attribute, count_complaints_on, list_counting

DAY = timedelta(days=1)
#: What is heard: all but spam.
HEARD = (ComplaintStatus.NEW, ComplaintStatus.DUPLICATE)


def is_anything_heard(*, environment_key: str, now: datetime) -> bool:
    """Tell whether `list_heard_today` may find anything at all: one query."""
    return list_counting(environment_key=environment_key, now=now, days=1, statuses=HEARD).order_by().exists()


def list_heard_today(
    *,
    environment_key: str,
    now: datetime,
    flag_keys: Collection[str] | None = None,
    site_keys: Collection[str] | None = None,
) -> list[Heard]:
    """Return today's complaints but spam, each by the day of its own site, newest first: one query."""
    rows = list_counting(environment_key=environment_key, now=now, days=1, statuses=HEARD)
    rows = attribute(rows, flag_keys=flag_keys, site_keys=site_keys)
    found = rows.values_list(
        "pk", "logged_at", "status", "site__key", "site__time_zone", "words__reporter", "flag__key", "words__text"
    )
    return [
        Heard(
            number=pk,
            site_key=site_key,
            day=local_day(now, zone=ZoneInfo(zone)),
            voice=Voice(reporter or "", flag_key, text or ""),
            is_repeated=status == ComplaintStatus.DUPLICATE,
        )
        for pk, logged_at, status, site_key, zone, reporter, flag_key, text in found
        if days_ago(logged_at, zone=ZoneInfo(zone), now=now) == 0
    ]


def list_usual_counts(
    *,
    environment_key: str,
    now: datetime,
    before: datetime | None = None,
    flag_keys: Collection[str] | None = None,
    site_keys: Collection[str] | None = None,
) -> list[int]:
    """Return how many complaints counted on the same weekday in the four weeks before a moment, else before today.

    The newest first: one query.
    """
    # A day that `before` may lie in is none of them: the civil days of sites begin at different hours.
    since = 0 if before is None else max((now - before) // DAY + 1, 0)
    agos = [7 * week for week in range(since // 7 + 1, since // 7 + 1 + WEEKS)]
    return count_complaints_on(agos, environment_key=environment_key, now=now, flag_keys=flag_keys, site_keys=site_keys)


def find_usual(
    *,
    environment_key: str,
    now: datetime,
    before: datetime | None = None,
    flag_keys: Collection[str] | None = None,
    site_keys: Collection[str] | None = None,
    limit: int,
) -> float | None:
    """Return how many complaints a day are usual where the limit is a likely number; None where it is not."""
    counts = list_usual_counts(
        environment_key=environment_key, now=now, before=before, flag_keys=flag_keys, site_keys=site_keys
    )
    return measure_usual(counts) if is_limit_usual(counts, limit=limit) else None
