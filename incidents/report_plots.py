"""Charts of the compliance report: months side by side, in shares of the box."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from core.domain.plot import draw_runs, find_ceiling, height, write_points
from incidents.domain.compliance import Line, Tally

#: The part of a month's place that its bar leaves free on either side.
GAP = 0.15
#: Names of months that stand beside each other on a phone.
MOST_NAMES = 6
MINUTE = timedelta(minutes=1)
#: In minutes.
AN_HOUR = 60


@dataclass(frozen=True)
class Month:
    """A month's place, the left edge and the middle, with its name where there is room for one."""

    on: date
    x: float
    middle: float
    width: float
    is_named: bool


@dataclass(frozen=True)
class Bar:
    """What lies on each other in a month, from the top: still running, missed, in time."""

    month: Month
    tally: Tally
    running: tuple[float, float]
    missed: tuple[float, float]
    kept: tuple[float, float]


@dataclass(frozen=True)
class Outcomes:
    """How many incidents of each month were in time, missed, or run yet."""

    ceiling: float
    bars: Sequence[Bar]

    @property
    def half(self) -> float:
        return self.ceiling / 2


@dataclass(frozen=True)
class Curve:
    """One way to sum lengths up: lines between months, and signs at each, where nothing is none."""

    name: str
    runs: Sequence[str]
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Lengths:
    """How long something took by month."""

    ceiling: timedelta
    months: Sequence[Month]
    curves: Sequence[Curve]

    @property
    def half(self) -> timedelta:
        return self.ceiling / 2


def plot_outcomes(lines: Sequence[Line]) -> Outcomes:
    """Return a bar for each month."""
    ceiling = find_ceiling([float(line.tally.number) for line in lines], least=2.0)
    bars = []
    for month, line in zip(_place(lines), lines, strict=True):
        tally = line.tally
        edges = [height(number, ceiling=ceiling) for number in (0, tally.in_time, tally.in_time + tally.missed)]
        edges.append(height(tally.number, ceiling=ceiling))
        kept, missed, running = ((above, round(below - above, 2)) for below, above in pairwise(edges))
        bars.append(Bar(month, tally, running=running, missed=missed, kept=kept))
    return Outcomes(ceiling, bars)


def plot_lengths(lines: Sequence[Line], *, of: str) -> Lengths:
    """Return how long "acknowledge" or "restore" took: mean, median and what nine of ten stayed below."""
    months = _place(lines)
    values = {name: [getattr(getattr(line.tally, of), name) for line in lines] for name in ("median", "mean", "p90")}
    every = [one / MINUTE for row in values.values() for one in row if one is not None]
    # A round number of hours above two of them, else of minutes.
    unit = AN_HOUR if max(every, default=0.0) > 2 * AN_HOUR else 1
    ceiling = unit * find_ceiling([one / unit for one in every], least=1.0)
    return Lengths(ceiling * MINUTE, months, [_draw(name, row, months, ceiling) for name, row in values.items()])


def _draw(name: str, row: Sequence[timedelta | None], months: Sequence[Month], ceiling: float) -> Curve:
    points = [
        (month.middle, None if value is None else height(value / MINUTE, ceiling=ceiling))
        for month, value in zip(months, row, strict=True)
    ]
    runs = draw_runs(points)
    return Curve(
        name=name,
        runs=[write_points(run) for run in runs if len(run) > 1],
        points=[(x, y) for x, y in points if y is not None],
    )


def _place(lines: Sequence[Line]) -> list[Month]:
    wide = 100 / len(lines)
    every = -(-len(lines) // MOST_NAMES)
    return [
        Month(
            on=line.month or date.min,
            x=round((number + GAP) * wide, 2),
            middle=round((number + 0.5) * wide, 2),
            width=round((1 - 2 * GAP) * wide, 2),
            is_named=number % every == 0,
        )
        for number, line in enumerate(lines)
    ]
