"""When a step's day is missed, and which day takes its place. Pure."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from core.domain.business_time import local_day
from rollouts.domain.planning import CalendarDays


def is_missed(due_at: datetime, *, day_seconds: int | None, zone: ZoneInfo, now: datetime) -> bool:
    """Tell whether a step's day has passed: the local one, or half a day of a rehearsal."""
    if day_seconds is not None:
        return now - due_at > timedelta(seconds=day_seconds / 2)
    return local_day(due_at, zone=zone) < local_day(now, zone=zone)


def find_new_day(due_at: datetime, *, days: CalendarDays, zone: ZoneInfo, now: datetime, may_be_late: bool) -> date:
    """Return the first of these plan days on which a missed step's hour is still to come.

    With `may_be_late` its hour may have passed on that day: then it is done at once.
    """
    local = due_at.astimezone(zone).time()
    number = 1
    while not may_be_late and days.moment(number, local, zone=zone) <= now:
        number += 1
    return days.day(number)
