"""Small charts as numbers: points and bars in a box of given size. Pure; templates draw them."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 200, 54
#: Room for the line's own thickness.
MARGIN = 2


@dataclass(frozen=True)
class Bar:
    """One bar: left edge, top, width and height in the box's units."""

    x: float
    y: float
    width: float
    height: float


def level(value: float, *, ceiling: float) -> float:
    """Return the height at which a value lies, from the top: `MARGIN` for the ceiling and beyond."""
    share = min(max(value / ceiling, 0.0), 1.0) if ceiling > 0 else 0.0
    return round(HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN), 1)


def trace_line(values: Sequence[float | None], *, ceiling: float) -> list[str]:
    """Return the `points` of one polyline for each run of known values; None leaves a gap.

    A lone value is drawn as a short dash, so that it can be seen.
    """
    step = WIDTH / max(len(values) - 1, 1)
    runs: list[list[str]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            runs.append([])
            continue
        runs[-1].append(f"{round(index * step, 1):g},{level(value, ceiling=ceiling):g}")
    return [" ".join(run if len(run) > 1 else [run[0], _beside(run[0])]) for run in runs if run]


def draw_bars(values: Sequence[float], *, ceiling: float) -> list[Bar]:
    """Return a bar for each value; none has no height, so that a day with nothing is a line on the ground."""
    slot = WIDTH / max(len(values), 1)
    bars = []
    for index, value in enumerate(values):
        top = min(level(value, ceiling=ceiling), HEIGHT - MARGIN - 1)
        bars.append(
            Bar(round(index * slot + slot * 0.2, 1), top, round(slot * 0.6, 1), round(HEIGHT - MARGIN - top, 1))
        )
    return bars


def _beside(point: str) -> str:
    x, y = point.split(",")
    return f"{float(x) + 2:g},{y}"
