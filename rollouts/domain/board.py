"""The board's grid: columns of phases and their days, the line of now, and what a cell says. Pure.

A phase is cut into its days where they are few, else into weeks, else it is one column. Only days on
which something goes out have a column.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from zoneinfo import ZoneInfo

from core.domain.business_time import day_bounds, local_day
from rollouts.domain.lifecycle import Status
from rollouts.domain.plan_day import count_rehearsal_day

#: A phase with more days, or weeks, than these is not cut into them.
MOST_COLUMNS = 7
#: A line within a column stands at one of these places.
PLACES = 10
WEEK = timedelta(days=7)


class Grain(StrEnum):
    """How much time a column holds."""

    DAY = "day"
    WEEK = "week"
    WHOLE = "whole"


@dataclass(frozen=True)
class Stretch:
    """A phase with the moments at which something of it goes out, in order."""

    phase_id: int
    first_day: int
    last_day: int
    ends_at: datetime
    moments: Sequence[datetime]


@dataclass(frozen=True)
class Span:
    """A day or week, [starts_at, ends_at): `day` is its first civil day, `number` a rehearsal's day."""

    starts_at: datetime
    ends_at: datetime
    day: date | None = None
    number: int | None = None


@dataclass(frozen=True)
class Column:
    """A column of the board: the span, and the first and last moment at which something goes out in it."""

    phase_id: int
    grain: Grain
    span: Span
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True)
class Line:
    """Where now stands: in a column by its index, at a place from 0, its beginning, to `PLACES`, its end."""

    index: int
    place: int


class CellState(StrEnum):
    """What a cell says. `OFF`: done, and taken back since; `PART`: done and not, mixed."""

    PLANNED = "planned"
    HELD = "held"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    DONE = "done"
    SKIPPED = "skipped"
    OFF = "off"
    PART = "part"


#: What is planned says this instead, where nothing goes on by itself.
STOPPED = {
    Status.HELD: CellState.HELD,
    Status.PAUSED: CellState.PAUSED,
    Status.CANCELLED: CellState.CANCELLED,
    Status.ROLLED_BACK: CellState.CANCELLED,
}


@dataclass(frozen=True)
class Tally:
    """How many steps of a cell stand how; `off` are those that were done and hold no longer."""

    planned: int = 0
    done: int = 0
    skipped: int = 0
    off: int = 0

    @property
    def total(self) -> int:
        return self.planned + self.done + self.skipped + self.off

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.planned + other.planned,
            self.done + other.done,
            self.skipped + other.skipped,
            self.off + other.off,
        )

    def list_states(self, *, status: str) -> list[tuple[CellState, int]]:
        """Return each state that occurs, and how often: what holds first."""
        planned = STOPPED.get(Status(status), CellState.PLANNED)
        counts = (
            (CellState.DONE, self.done),
            (CellState.OFF, self.off),
            (planned, self.planned),
            (CellState.SKIPPED, self.skipped),
        )
        return [(state, count) for state, count in counts if count]

    def judge(self, *, status: str) -> CellState:
        """Return what the cell says in one word, in a rollout of this status; what was left out counts last."""
        states = [state for state, _count in self.list_states(status=status)]
        telling = [state for state in states if state is not CellState.SKIPPED] or states
        return telling[0] if len(telling) == 1 else CellState.PART


#: Names the day, or another span of time, in which a moment of a phase lies.
Ruler = Callable[[Stretch, datetime], Span]


def rule_days(zone: ZoneInfo) -> Ruler:
    """Return what cuts phases by civil days."""

    def name(_stretch: Stretch, at: datetime) -> Span:
        day = local_day(at, zone=zone)
        return Span(*day_bounds(day, zone=zone), day=day)

    return name


def rule_weeks(zone: ZoneInfo) -> Ruler:
    """Return what cuts phases by weeks, from Monday on."""

    def name(_stretch: Stretch, at: datetime) -> Span:
        day = local_day(at, zone=zone)
        monday = day - timedelta(days=day.weekday())
        starts_at, _tuesday = day_bounds(monday, zone=zone)
        _sunday, ends_at = day_bounds(monday + WEEK - timedelta(days=1), zone=zone)
        return Span(starts_at, ends_at, day=monday)

    return name


def rule_rehearsal_days(day_seconds: int) -> Ruler:
    """Return what cuts phases by the numbered days of a rehearsal, counted back from a phase's end."""
    length = timedelta(seconds=day_seconds)

    def name(stretch: Stretch, at: datetime) -> Span:
        number = count_rehearsal_day(
            first_day=stretch.first_day,
            last_day=stretch.last_day,
            ends_at=stretch.ends_at,
            at=at,
            day_seconds=day_seconds,
        )
        ends_at = stretch.ends_at - (stretch.last_day - number) * length
        return Span(ends_at - length, ends_at, number=number)

    return name


def lay_columns(stretches: Sequence[Stretch], *, rulers: Sequence[tuple[Grain, Ruler]]) -> list[Column]:
    """Return the columns of the phases, in order; `rulers` from the finest on. A phase without a moment has none."""
    return [column for stretch in stretches if stretch.moments for column in _cut(stretch, rulers)]


def _cut(stretch: Stretch, rulers: Sequence[tuple[Grain, Ruler]]) -> list[Column]:
    for grain, ruler in rulers:
        columns = [
            _close(stretch, grain, span, list(moments))
            for span, moments in groupby(stretch.moments, key=lambda at: ruler(stretch, at))
        ]
        if len(columns) <= MOST_COLUMNS:
            return columns
    whole = Span(stretch.moments[0], max(stretch.ends_at, stretch.moments[-1]))
    return [_close(stretch, Grain.WHOLE, whole, stretch.moments)]


def _close(stretch: Stretch, grain: Grain, span: Span, moments: Sequence[datetime]) -> Column:
    return Column(stretch.phase_id, grain, span, moments[0], moments[-1])


def place_line(columns: Sequence[Column], *, now: datetime) -> Line | None:
    """Return where now stands: between the moments that were and those to come. None without columns."""
    for index, column in enumerate(columns):
        if now < column.first_at:
            return Line(index, 0)
        if now < column.last_at:
            share = (now - column.first_at) / (column.last_at - column.first_at)
            return Line(index, min(max(int(share * PLACES), 1), PLACES - 1))
    return Line(len(columns) - 1, PLACES) if columns else None


def find_column(columns: Sequence[Column], *, phase_id: int, at: datetime | None) -> int | None:
    """Return the index of the phase's column that holds a moment, or one no later than it; its first before all."""
    own = [index for index, column in enumerate(columns) if column.phase_id == phase_id]
    begun = [index for index in own if at is not None and columns[index].span.starts_at <= at]
    return begun[-1] if begun else own[0] if own else None
