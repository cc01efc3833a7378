"""One chart: its lines and bars in shares of the box, and the same numbers as rows of a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from core.domain.plot import Band, Span, draw_band, draw_runs, find_ceiling, height, write_points
from health.chart_queries import Counted, Took, Window
from health.domain.share_lane import WHOLE_BP

#: The part of a day's stretch that its bar leaves free on either side.
BAR_GAP = 0.15


class Figure(StrEnum):
    """What a chart shows."""

    ERRORS = "errors"
    P95 = "p95"
    COMPLAINTS = "complaints"


@dataclass(frozen=True)
class Place:
    x: float
    y: float


@dataclass(frozen=True)
class Line:
    """A line with its gaps: `runs` are polylines; `dots` are lone values, which no line shows."""

    runs: Sequence[str] = ()
    dots: Sequence[Place] = ()


@dataclass(frozen=True)
class Bar:
    band: Band
    y: float
    height: float


@dataclass(frozen=True)
class Row:
    """One line of the table: a stretch and its numbers; `value` None where nothing was reported."""

    at: datetime
    value: float | None
    requests: int = 0
    usual: float | None = None
    is_over: bool = False


@dataclass(frozen=True)
class Plot:
    """A chart. Values are percent, milliseconds or complaints; `over`: where a value is beyond its limit."""

    figure: Figure
    ceiling: float
    rows: Sequence[Row]
    line: Line = Line()
    usual: Line = Line()
    bars: Sequence[Bar] = ()
    over: Sequence[Place] = ()
    limit: float | None = None
    limit_y: float | None = None
    transaction: str = ""
    key: str = ""

    @property
    def known(self) -> list[Row]:
        return [row for row in self.rows if row.value is not None]

    @property
    def highest(self) -> float | None:
        return max((row.value for row in self.known if row.value is not None), default=None)

    @property
    def total(self) -> float:
        return sum(row.value or 0 for row in self.rows)

    @property
    def number_over(self) -> int:
        return sum(row.is_over for row in self.rows)

    @property
    def half(self) -> float:
        return self.ceiling / 2

    def of(self, key: str) -> "Plot":
        """Return it as the chart of one site or flag."""
        return replace(self, key=key)


def plot_errors(counted: Sequence[Counted], windows: Sequence[Window], span: Span, *, limit_bp: int) -> Plot:
    """Return the share of errors in percent, against its limit."""
    found = {one.window: one for one in counted}
    limit = 100 * limit_bp / WHOLE_BP
    rows = []
    for window in windows:
        one = found.get(window.key)
        value = 100 * one.errors / one.requests if one and one.requests else None
        rows.append(Row(window.since, value, one.requests if one else 0, is_over=value is not None and value > limit))
    ceiling = find_ceiling([row.value for row in rows], least=limit * 1.25)
    return _draw(Figure.ERRORS, rows, windows, span, ceiling=ceiling, limit=limit)


def plot_p95(took: Sequence[Took], windows: Sequence[Window], span: Span, *, name: str, rise_bp: int) -> Plot:
    """Return a transaction's p95 in milliseconds, beside what is usual at that weekday and hour."""
    found = {one.window: one for one in took}
    rows = []
    for window in windows:
        one = found.get(window.key)
        if one is None:
            rows.append(Row(window.since, None))
            continue
        is_over = one.usual_ms is not None and one.p95_ms > one.usual_ms * (1 + rise_bp / WHOLE_BP)
        rows.append(Row(window.since, one.p95_ms, one.requests, one.usual_ms, is_over))
    ceiling = find_ceiling([value for row in rows for value in (row.value, row.usual)], least=1.0)
    plot = _draw(Figure.P95, rows, windows, span, ceiling=ceiling, limit=None)
    usual = _trace([row.usual for row in rows], windows, span, ceiling=ceiling)
    return replace(plot, usual=usual, transaction=name)


def plot_complaints(daily: Mapping[str, int], days: Sequence[tuple[Window, Span]], span: Span, limit: int) -> Plot:
    """Return a bar for each civil day."""
    rows = [
        Row(window.since, float(daily.get(window.key, 0)), is_over=daily.get(window.key, 0) > limit)
        for window, _ in days
    ]
    ceiling = find_ceiling([row.value for row in rows], least=limit * 1.25)
    bars, over = [], []
    for row, (_window, day) in zip(rows, days, strict=True):
        gap = day.length * BAR_GAP
        band = draw_band(span, since=day.since + gap, until=day.until - gap)
        if band is None or row.value is None:
            continue
        top = height(row.value, ceiling=ceiling)
        bars.append(Bar(band, top, round(100 - top, 2)))
        if row.is_over:
            over.append(Place(round(band.x + band.width / 2, 2), top))
    limit_y = height(limit, ceiling=ceiling)
    return Plot(Figure.COMPLAINTS, ceiling, rows, bars=bars, over=over, limit=float(limit), limit_y=limit_y)


def _draw(
    figure: Figure, rows: Sequence[Row], windows: Sequence[Window], span: Span, *, ceiling: float, limit: float | None
) -> Plot:
    # Of values over the limit one after another the first is marked.
    over = [
        Place(_middle(window, span), height(row.value, ceiling=ceiling))
        for before, row, window in zip([None, *rows], rows, windows, strict=False)
        if row.is_over and row.value is not None and not (before and before.is_over)
    ]
    return Plot(
        figure,
        ceiling,
        rows,
        line=_trace([row.value for row in rows], windows, span, ceiling=ceiling),
        over=over,
        limit=limit,
        limit_y=None if limit is None else height(limit, ceiling=ceiling),
    )


def _trace(values: Sequence[float | None], windows: Sequence[Window], span: Span, *, ceiling: float) -> Line:
    points = [
        (_middle(window, span), None if value is None else height(value, ceiling=ceiling))
        for value, window in zip(values, windows, strict=True)
    ]
    runs = draw_runs(points)
    return Line(
        runs=[write_points(run) for run in runs if len(run) > 1],
        dots=[Place(*run[0]) for run in runs if len(run) == 1],
    )


def _middle(window: Window, span: Span) -> float:
    """Return where a stretch's value stands: in the middle of what lies within the span."""
    since, until = max(window.since, span.since), min(window.until, span.until)
    return span.place(since + (until - since) / 2)
