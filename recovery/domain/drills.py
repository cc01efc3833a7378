"""What a drill found, whether that is good enough, and when the next one is due. Pure."""

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

#: A flag must be off within this time.
FLAG_OFF_MS = 5_000
#: Steps of a drill that a rollback has as well: together they are how long it takes here.
ROLLBACK_STEPS = frozenset(
    {
        *("check_image", "fetch", "restore", "validate", "show_losses", "quiesce", "archive", "keep_numbers", "swap"),
        *("check_database", "dump", "decode", "store", "stop_application", "reverse"),
        *("observe", "bring_up", "watch", "smoke", "note_back", "count", "drill_back", "drill_watch", "drill_smoke"),
    }
)


@dataclass(frozen=True)
class FlagResult:
    """One flag as clients would see it: off by its kill switch, on again, and as it was. `off_ms`: to the new answer.

    `is_forced`: a variable of the environment decides, whatever the portal says.
    """

    key: str
    is_off: bool
    is_on: bool
    is_back: bool
    off_ms: int
    is_forced: bool = False

    @property
    def is_good(self) -> bool:
        return self.is_forced or (self.is_off and self.is_on and self.is_back and self.off_ms <= FLAG_OFF_MS)


@dataclass(frozen=True)
class TargetResult:
    """One target. `fault`: a code of why it was not tried or did not end well, empty where it did.

    `seconds`: of the steps that a rollback has; `before`, `after`: milliseconds of its answers, median and 95th.
    """

    key: str
    fault: str
    seconds: float | None
    rto_seconds: int
    rows: int | None = None
    operation: int | None = None
    has_application: bool = False
    before: Mapping[str, float] | None = None
    after: Mapping[str, float] | None = None

    @property
    def is_in_time(self) -> bool:
        return self.seconds is not None and self.seconds <= self.rto_seconds

    @property
    def is_good(self) -> bool:
        return not self.fault and self.is_in_time


def is_passed(flags: Sequence[FlagResult], targets: Sequence[TargetResult]) -> bool:
    """Tell whether everything went as it must, in time; where there was nothing to try, nothing was proven."""
    return bool(flags or targets) and all(one.is_good for one in flags) and all(one.is_good for one in targets)


def compose_report(flags: Sequence[FlagResult], targets: Sequence[TargetResult]) -> dict[str, Any]:
    """Return the report as it is kept: plain values alone."""
    slowest = max((one.off_ms for one in flags if not one.is_forced), default=None)
    return {
        "flags": {
            "tried": len(flags),
            "forced": [one.key for one in flags if one.is_forced],
            "failed": [one.key for one in flags if not one.is_good],
            "slowest_off_ms": slowest,
        },
        "targets": [asdict(one) | {"is_in_time": one.is_in_time, "is_good": one.is_good} for one in targets],
    }


def sum_rollback(steps: Sequence[Mapping[str, Any]]) -> float | None:
    """Return how long the steps took that a rollback has; None where none was timed."""
    timed = [float(one["seconds"]) for one in steps if one["code"] in ROLLBACK_STEPS and one["seconds"] is not None]
    return round(sum(timed), 2) if timed else None


def is_due(*, local_now: datetime, last_on: date | None, day: int, hour: int) -> bool:
    """Tell whether this month's drill is to begin. `last_on`: local day on which the last one began."""
    if last_on is not None and (last_on.year, last_on.month) >= (local_now.year, local_now.month):
        return False
    last = monthrange(local_now.year, local_now.month)[1]
    return (local_now.day, local_now.hour) >= (min(day, last), hour)


def find_missed_month(*, today: date, known_since: date, passed_on: Sequence[date]) -> date | None:
    """Return the first day of the month before this one where no drill passed in it, None where one did.

    A month in which the environment was not there from its first day is not missed.
    """
    first = _month_before(today)
    if known_since > first:
        return None
    return None if any(_month_of(day) == first for day in passed_on) else first


def _month_of(day: date) -> date:
    return day.replace(day=1)


def _month_before(day: date) -> date:
    return date(day.year - 1, 12, 1) if day.month == 1 else date(day.year, day.month - 1, 1)
