"""Bars of ninety days and uptime, computed from what went wrong when. All intervals are [start, end)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.domain.business_time import at_local
from statuspage.domain.states import State

DAYS = 90
#: Hundredths of a second of downtime that a second in a state is: as Statuspage counts.
DOWN_PERCENT: Mapping[State, int] = {State.MAJOR: 100, State.PARTIAL: 30, State.DEGRADED: 0}
#: The worst first: a moment counts once, as the worst that it was.
_BY_WEIGHT = (State.MAJOR, State.PARTIAL, State.DEGRADED)
WHOLE_BP = 10_000


@dataclass(frozen=True)
class Span:
    """A component in a state."""

    state: State
    began_at: datetime
    ended_at: datetime


@dataclass(frozen=True)
class Day:
    """A civil day of a component: minutes in each state, begun ones counted; `measured_seconds` 0: not known yet."""

    on: date
    measured_seconds: int
    minutes: Mapping[State, int]

    @property
    def state(self) -> State | None:
        """The worst state of the day, None where nothing is known of it."""
        if not self.measured_seconds:
            return None
        return next((state for state in _BY_WEIGHT if self.minutes.get(state)), State.OPERATIONAL)


@dataclass(frozen=True)
class CivilDay:
    """A day of a place, [starts_at, ends_at): 23 to 25 hours, of today what has passed."""

    on: date
    starts_at: datetime
    ends_at: datetime


def list_days(*, now: datetime, zone: ZoneInfo) -> list[CivilDay]:
    """Return the last ninety civil days, today the last: the same for every component."""
    today = now.astimezone(zone).date()
    days = [today - timedelta(days=back) for back in reversed(range(-1, DAYS))]
    edges = [at_local(day, time(), zone=zone) for day in days]
    return [CivilDay(*one) for one in zip(days, edges, [*edges[1:-1], now], strict=False)]


def draw_days(spans: Sequence[Span], *, days: Sequence[CivilDay], counted_from: date) -> list[Day]:
    """Return a component's days; those before it was counted are not known, and none is healthy for that."""
    return [_draw_day(day, spans, counted_from=counted_from) for day in days]


def _draw_day(day: CivilDay, spans: Sequence[Span], *, counted_from: date) -> Day:
    start, end = day.starts_at, day.ends_at
    if day.on < counted_from or end <= start:
        return Day(day.on, 0, {})
    measured = int((end - start).total_seconds())
    within = [span for span in spans if span.began_at < end and span.ended_at > start]
    minutes, worse = {}, timedelta()
    for number, state in enumerate(_BY_WEIGHT if within else ()):
        as_bad = {*_BY_WEIGHT[: number + 1]}
        total = _measure_union((span for span in within if span.state in as_bad), start=start, end=end)
        if total > worse:
            minutes[state] = -(-(total - worse) // timedelta(minutes=1))
        worse = total
    return Day(day.on, measured, minutes)


def _measure_union(spans: Iterable[Span], *, start: datetime, end: datetime) -> timedelta:
    """Return how long any of them lasted between two moments; what overlaps counts once."""
    edges = sorted((max(span.began_at, start), min(span.ended_at, end)) for span in spans)
    total, until = timedelta(), start
    for began_at, ended_at in edges:
        if ended_at > max(began_at, until):
            total += ended_at - max(began_at, until)
            until = ended_at
    return total


def find_uptime_bp(days: Iterable[Day]) -> int | None:
    """Return the share of the measured time that was up, in basis points, rounded down; None where none was measured.

    A minute of a major outage counts whole as down, one of a partial outage as 30 %, a slower one not at all.
    """
    known = [day for day in days if day.measured_seconds]
    measured = sum(day.measured_seconds for day in known)
    if not measured:
        return None
    down = sum(60 * count * DOWN_PERCENT[state] for day in known for state, count in day.minutes.items())
    return max(0, WHOLE_BP * (measured * 100 - down) // (measured * 100))
