"""When a person's digest is due: once on each of their days, at their own morning. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from notifications.domain.mail_modes import MailChoice

#: Local hours a digest may be asked for at: clocks are set forward and back at night.
EARLIEST_HOUR, LATEST_HOUR = 5, 18
#: From this local hour on a digest that was missed waits for the next day: nobody is sent one at night.
NIGHT_HOUR = 20
DEFAULT_HOUR = 8
WEEKDAYS: tuple[int, ...] = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class DigestTimes:
    """When a person wants it: a local hour in their zone, on ISO weekdays, Monday 1 … Sunday 7."""

    zone: ZoneInfo
    hour: int = DEFAULT_HOUR
    weekdays: Sequence[int] = WEEKDAYS


@dataclass(frozen=True)
class Preferences:
    """All that a person chose of how they are told. `times.zone`: their own, else the portal's."""

    times: DigestTimes
    choice: MailChoice


def find_digest_day(times: DigestTimes, *, last_on: date | None, now: datetime) -> date | None:
    """Return the local day whose digest is to be sent now, None where none is.

    `last_on`: the newest local day that was looked at. Days only go forward: whoever flies west, or sets another
    zone or hour on a day that had its digest, gets no second one for it.
    """
    local = now.astimezone(times.zone)
    day = local.date()
    if last_on is not None and day <= last_on:
        return None
    if day.isoweekday() not in times.weekdays:
        return None
    return day if times.hour <= local.hour < NIGHT_HOUR else None


def find_beginning(times: DigestTimes, *, now: datetime) -> date:
    """Return the local day that counts as looked at for whoever is new: their first digest is that of a morning."""
    local = now.astimezone(times.zone)
    return local.date() if local.hour >= times.hour else local.date() - timedelta(days=1)
