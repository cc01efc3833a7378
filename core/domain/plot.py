"""Larger charts as numbers: a time axis and a value axis in shares of the box. Pure; templates draw them.

Across, a place is a percentage of the width, so that words beside the lines keep their size on a phone; down,
it is one too, from the top.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil, floor, log10
from zoneinfo import ZoneInfo

#: Points of a line at most, and labels of the time axis.
MOST_POINTS, MOST_TICKS = 120, 5
WHOLE = 100.0

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
#: Up to which span which step of a line.
_STEPS = (
    (timedelta(hours=2), 1 * _MINUTE),
    (timedelta(hours=6), 5 * _MINUTE),
    (timedelta(days=4), 1 * _HOUR),
    (timedelta(days=14), 3 * _HOUR),
    (timedelta(days=40), 12 * _HOUR),
)
_TICKS = (
    *(n * _MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * _HOUR for n in (1, 2, 3, 6, 12)),
    *(n * _DAY for n in (1, 2, 7, 14, 28, 56, 91, 182, 364)),
)


@dataclass(frozen=True)
class Span:
    """A half-open stretch of time, as wide as the box."""

    since: datetime
    until: datetime

    @property
    def length(self) -> timedelta:
        return self.until - self.since

    def place(self, moment: datetime) -> float:
        """Return where a moment lies, 0 to 100; what lies outside is at the edge."""
        share = (moment - self.since) / self.length
        return round(WHOLE * min(max(share, 0.0), 1.0), 2)


@dataclass(frozen=True)
class Tick:
    """A line of the grid at `x`, at a local moment."""

    x: float
    local: datetime


@dataclass(frozen=True)
class Band:
    """A stretch of the box: left edge and width."""

    x: float
    width: float


def choose_step(length: timedelta) -> timedelta:
    """Return how far apart points lie: at most `MOST_POINTS` of them, whole hours from six hours on."""
    for longest, step in _STEPS:
        if length <= longest:
            return step
    return max(ceil(length / MOST_POINTS / _DAY), 1) * _DAY


def cut(span: Span, *, step: timedelta) -> list[Span]:
    """Return the stretches that the span touches, each beginning at a whole multiple of the step in UTC."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    first = floor((span.since - epoch) / step)
    found = []
    while (begin := epoch + first * step) < span.until:
        found.append(Span(begin, begin + step))
        first += 1
    return found


def list_ticks(span: Span, *, zone: ZoneInfo) -> list[Tick]:
    """Return at most `MOST_TICKS` ticks at round hours or days of the zone's clock, through changes of the hour."""
    step = next((one for one in _TICKS if span.length / one <= MOST_TICKS), _TICKS[-1])
    local = span.since.astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    begin, ticks = midnight, list[Tick]()
    if step < _DAY:
        begin += floor((local.replace(tzinfo=None) - midnight) / step) * step
    while len(ticks) < MOST_TICKS:
        at = begin.replace(tzinfo=zone).astimezone(UTC)
        if at >= span.until:
            break
        # An hour that the clock skips is none: there and back it is another.
        if at >= span.since and at.astimezone(zone).replace(tzinfo=None) == begin:
            ticks.append(Tick(span.place(at), at.astimezone(zone)))
        begin += step
    return ticks


def find_ceiling(values: Iterable[float | None], *, least: float) -> float:
    """Return a round number that no value exceeds, and `least` does not: 1, 2 or 5 times a power of ten."""
    most = max([least, *(value for value in values if value is not None)])
    if most <= 0:
        return 1.0
    power = 10.0 ** floor(log10(most))
    return next((part * power for part in (1, 2, 5, 10) if part * power >= most), 10 * power)


def height(value: float, *, ceiling: float) -> float:
    """Return where a value lies, from the top: 0 for the ceiling and beyond, 100 for nothing."""
    return round(WHOLE * (1 - min(max(value / ceiling, 0.0), 1.0)), 2)


def draw_runs(points: Sequence[tuple[float, float | None]]) -> list[list[tuple[float, float]]]:
    """Return the points of each run without a gap; None is one."""
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in points:
        if y is None:
            runs.append([])
        else:
            runs[-1].append((x, y))
    return [run for run in runs if run]


def write_points(run: Sequence[tuple[float, float]]) -> str:
    """Return a run as the `points` of a polyline in a box of 100 × 100."""
    return " ".join(f"{x:g},{y:g}" for x, y in run)


def draw_band(span: Span, *, since: datetime, until: datetime) -> Band | None:
    """Return the part of the box that a stretch of time covers, None where it lies outside."""
    left, right = span.place(since), span.place(until)
    return Band(left, round(right - left, 2)) if right > left else None
