"""Who above knows of days that were not usual: an app that keeps such days registers when it is ready (ADR 10)."""

from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

#: Takes an environment's id, since, until and the zone whose days are meant; returns days.
ListDays = Callable[[int, datetime, datetime, ZoneInfo], set[date]]

_SOURCES: list[ListDays] = []


def register(source: ListDays) -> None:
    """Ask this app too from now on."""
    _SOURCES.append(source)


def list_days_told(environment_id: int, *, since: datetime, until: datetime, zone: ZoneInfo) -> set[date]:
    """Return the days in [since, until) that an app above holds for unusual."""
    return {day for source in _SOURCES for day in source(environment_id, since, until, zone)}
