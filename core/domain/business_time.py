"""Local hours, open days and French public holidays; right across the nights the clock changes."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

import holidays


def at_local(day: date, local: time, *, zone: ZoneInfo) -> datetime:
    """Return the moment, in UTC, at which clocks in `zone` show `local` on `day`.

    An hour that the spring change skips is moved forward by the width of the gap (02:30 becomes
    03:30); of an hour that the autumn change repeats, the first is taken (PEP 495, fold=0).
    """
    return datetime.combine(day, local, tzinfo=zone).astimezone(UTC)


def local_day(moment: datetime, *, zone: ZoneInfo) -> date:
    """Return the civil day in `zone` at a moment."""
    return moment.astimezone(zone).date()


def day_bounds(day: date, *, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the half-open interval, in UTC, of a civil day: 23, 24 or 25 hours long."""
    return at_local(day, time(), zone=zone), at_local(day + timedelta(days=1), time(), zone=zone)


def begin_of(day: date | None, *, zone: ZoneInfo) -> datetime | None:
    """Return the moment that a day begins at, None of none and of the calendar's first: in UTC it began before."""
    return None if day is None or day == date.min else at_local(day, time(), zone=zone)


def end_of(day: date | None, *, zone: ZoneInfo) -> datetime | None:
    """Return the moment that a day ends at, None of none and of the calendar's last."""
    return None if day is None or day == date.max else at_local(day + timedelta(days=1), time(), zone=zone)


@lru_cache(maxsize=32)
def _public_holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("FR", years=year))


def is_public_holiday(day: date) -> bool:
    """Tell whether `day` is a public holiday in metropolitan France."""
    return day in _public_holidays(day.year)


@lru_cache(maxsize=1)
def list_time_zones() -> frozenset[str]:
    """Return the names of all time zones that the machine knows; they are read from its disk once."""
    return frozenset(available_timezones())


@lru_cache(maxsize=64)
def _holiday_names(year: int, language: str) -> dict[date, str]:
    spoken = "fr" if language.startswith("fr") else "en_US"
    return dict(holidays.country_holidays("FR", years=year, language=spoken))


def find_holiday_name(day: date, *, language: str) -> str:
    """Return what a public holiday in metropolitan France is called, in French or English; empty on other days."""
    return _holiday_names(day.year, language).get(day, "")


def is_open(day: date, *, weekdays: Iterable[int], on_holidays: bool = False) -> bool:
    """Tell whether a place open on these ISO weekdays (Monday 1 … Sunday 7) is open on `day`."""
    return day.isoweekday() in set(weekdays) and (on_holidays or not is_public_holiday(day))
