"""Which plan day a running phase is on. Pure.

Counted back from the phase's end: a plan that moved, after a pause or a hold, moved its end along,
and days on which nothing was done are no plan days.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from core.domain.business_time import local_day
from flags.domain.opening import each_day
from rollouts.domain.planning import PlanSite, list_calendars

ONE_DAY = timedelta(days=1)
#: A phase that was pushed on ends one second before the next one's first hour, else at midnight.
BEFORE_NEXT = timedelta(seconds=1)


def count_plan_day(
    *, first_day: int, last_day: int, ends_at: datetime, at: datetime, sites: Sequence[PlanSite], zone: ZoneInfo
) -> int:
    """Return the plan day, from `first_day` to `last_day`, at a moment: days on which any site takes changes."""
    coming = each_day(local_day(at, zone=zone) + ONE_DAY, local_day(ends_at + BEFORE_NEXT, zone=zone))
    calendars = list_calendars(sites)
    left = sum(any(site.takes_changes(day) for site in calendars) for day in coming)
    return min(max(last_day - left, first_day), last_day)


def count_rehearsal_day(*, first_day: int, last_day: int, ends_at: datetime, at: datetime, day_seconds: int) -> int:
    """Return the numbered day of a rehearsal, from `first_day` to `last_day`, at a moment."""
    left = -((at - ends_at) // timedelta(seconds=day_seconds)) - 1
    return min(max(last_day - left, first_day), last_day)
