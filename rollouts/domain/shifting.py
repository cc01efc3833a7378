"""Where the rest of a late plan goes: later, with its days, its hours and the order between them kept."""

from datetime import date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from core.domain.business_time import at_local, local_day
from rollouts.domain.planning import CalendarDays


class Shift(Protocol):
    def move(self, moment: datetime, *, zone: ZoneInfo | None = None) -> datetime:
        """Return where a planned moment goes; `zone` is whose day and hour it keeps, the plan's without any."""


class RehearsalShift:
    """Everything later by the same span."""

    def __init__(self, *, late: timedelta) -> None:
        self._late = late

    def move(self, moment: datetime, *, zone: ZoneInfo | None = None) -> datetime:
        return moment + self._late


class CalendarShift:
    """Everything later by the same number of plan days, at the hour it had.

    `before` counts the plan's days from the day that was missed, `after` from the day that takes its place.
    """

    def __init__(self, *, before: CalendarDays, after: CalendarDays, zone: ZoneInfo) -> None:
        self._before = before
        self._after = after
        self._zone = zone

    def move(self, moment: datetime, *, zone: ZoneInfo | None = None) -> datetime:
        zone = zone or self._zone
        local = moment.astimezone(zone)
        number = 1
        while self._before.day(number) < local.date():
            number += 1
        return at_local(self._after.day(number), local.time(), zone=zone)


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
