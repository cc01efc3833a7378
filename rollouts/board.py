"""The board of a rollout: phases and their days across, flags or audiences down, and where now stands."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet

from core.searching import split_words
from rollouts.board_queries import (
    BY_AUDIENCE,
    BY_FLAG,
    Group,
    Key,
    Moment,
    Place,
    choose_audiences,
    choose_flags,
    count_steps,
    find_gone,
    list_audience_rows,
    list_flag_rows,
    list_moments,
    list_places,
    read_audience,
)
from rollouts.domain.board import (
    CellState,
    Column,
    Grain,
    Line,
    Ruler,
    Stretch,
    Tally,
    find_column,
    lay_columns,
    place_line,
    rule_days,
    rule_rehearsal_days,
    rule_weeks,
)
from rollouts.models import Phase, Rollout, RolloutFlag
from rollouts.models.steps import say_whom

ROWS = 50


class By(StrEnum):
    """What goes down the board."""

    FLAGS = "flags"
    SITES = "sites"


@dataclass(frozen=True)
class Spot:
    """A column's place: whether it begins its phase, whether it is today's, and where in it now stands, if it does."""

    is_first: bool
    is_now: bool
    place: int | None


@dataclass(frozen=True)
class Head:
    """The head of a column; `site` where the column is one site's, numbers in a rehearsal."""

    column: Column
    spot: Spot
    site: str
    zone: ZoneInfo
    number: int | None
    last_number: int | None


@dataclass(frozen=True)
class PhaseHead:
    """A phase over its columns."""

    phase: Phase
    width: int


@dataclass(frozen=True)
class Content:
    """The steps of a cell, by the first of them. Days and hours are those there, `is_elsewhere` where they are others.

    `number` is the day of a rehearsal; `says_day` where the head of the column does not name the day.
    """

    step_id: int
    tally: Tally
    state: CellState
    states: Sequence[tuple[CellState, int]]
    first: datetime
    last: datetime
    done: datetime | None
    site: str
    is_elsewhere: bool
    number: int | None
    last_number: int | None
    says_day: bool


@dataclass(frozen=True)
class Cell:
    """One row's steps in one column, if any."""

    spot: Spot
    content: Content | None


@dataclass(frozen=True)
class Label:
    """What a row is: a flag, or an audience by its name (`everyone` is a code); `url_key` names its page, if any."""

    key: Key
    name: str
    note: str
    url_key: str


@dataclass(frozen=True)
class Row:
    """A row with one cell for each column."""

    label: Label
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Board:
    by: By
    phases: Sequence[PhaseHead]
    heads: Sequence[Head]
    everything: Sequence[Cell]
    rows: Sequence[Row]
    page: Page[Any]
    line: Line | None


@dataclass(frozen=True)
class _Grid:
    """The columns, and what turns groups of steps into cells."""

    rollout: Rollout
    columns: Sequence[Column]
    stretches: Mapping[int, Stretch]
    places: Mapping[int, Place]
    line: Line | None
    now: datetime

    def fill(self, groups: Iterable[Group]) -> list[Cell]:
        """Return a row's cells, one for each column."""
        by_column: dict[int, list[Group]] = {}
        for group in groups:
            index = find_column(self.columns, phase_id=group.phase_id, at=group.threshold)
            if index is not None:
                by_column.setdefault(index, []).append(group)
        return [self._fill_one(index, by_column.get(index, [])) for index in range(len(self.columns))]

    def _fill_one(self, index: int, groups: Sequence[Group]) -> Cell:
        return Cell(self.spot(index), self._sum_up(self.columns[index], groups) if groups else None)

    def _sum_up(self, column: Column, groups: Sequence[Group]) -> Content:
        tally = sum((group.tally for group in groups), Tally())
        first, last = min(group.first_at for group in groups), max(group.last_at for group in groups)
        done = max((group.done_at for group in groups if group.done_at), default=None)
        ours = ZoneInfo(self.rollout.zone)
        site_id = _find_common(group.site_id for group in groups)
        zone = ZoneInfo(self.rollout.zone if site_id is None else self.places[site_id].time_zone)
        there = first.astimezone(zone)
        return Content(
            step_id=min(group.step_id for group in groups),
            tally=tally,
            state=tally.judge(status=self.rollout.status),
            states=tally.list_states(status=self.rollout.status),
            first=there,
            last=last.astimezone(zone),
            done=done and done.astimezone(zone),
            site=self.name(site_id),
            is_elsewhere=there.utcoffset() != first.astimezone(ours).utcoffset(),
            number=self.number(column, first),
            last_number=self.number(column, last),
            says_day=column.grain is not Grain.DAY or (there.date() != column.span.day and self._has_dates),
        )

    @property
    def _has_dates(self) -> bool:
        return self.rollout.day_seconds is None

    def name(self, site_id: int | None) -> str:
        """Return a site's name, empty without one."""
        return self.places[site_id].name if site_id is not None else ""

    def number(self, column: Column, at: datetime) -> int | None:
        """Return the numbered day of a moment, None where days have dates."""
        if self.rollout.day_seconds is None:
            return None
        return rule_rehearsal_days(self.rollout.day_seconds)(self.stretches[column.phase_id], at).number

    def spot(self, index: int) -> Spot:
        """Return what a column's place says to all of its cells."""
        column = self.columns[index]
        span = column.span
        return Spot(
            is_first=index == 0 or self.columns[index - 1].phase_id != column.phase_id,
            is_now=column.grain is not Grain.WHOLE and span.starts_at <= self.now < span.ends_at,
            place=self.line.place if self.line is not None and self.line.index == index else None,
        )


def _find_common(values: Iterable[int | None]) -> int | None:
    """Return what all say, None where they differ."""
    found = set(values)
    return found.pop() if len(found) == 1 else None


def compose_board(rollout: Rollout, *, by: By, text: str, page: str | None, now: datetime) -> Board:
    """Return the board of a rollout with one page of rows; as many queries, however many rows and steps there are."""
    phases = list(rollout.phases.order_by("position"))
    moments = list_moments(rollout)
    stretches = _list_stretches(phases, moments)
    columns = lay_columns(stretches, rulers=_list_rulers(rollout))
    grid = _Grid(
        rollout=rollout,
        columns=columns,
        stretches={one.phase_id: one for one in stretches},
        places=list_places(moments),
        line=place_line(columns, now=now),
        now=now,
    )
    gone = find_gone(rollout)
    thresholds = sorted({column.span.starts_at for column in columns if column.grain is not Grain.WHOLE})
    words = split_words(text)
    is_by_flag = by is By.FLAGS
    rows: QuerySet[Any, Any] = (list_flag_rows if is_by_flag else list_audience_rows)(rollout, words=words)
    found = Paginator(rows, ROWS).get_page(page)
    labels, chosen = (_label_flags if is_by_flag else _label_audiences)(list(found))
    keys = BY_FLAG if is_by_flag else BY_AUDIENCE
    groups: dict[Key, list[Group]] = {}
    counted = count_steps(rollout, by=keys, chosen=chosen, thresholds=thresholds, gone=gone)
    for group in counted:
        groups.setdefault(group.key, []).append(group)
    if words or found.has_other_pages():
        counted = count_steps(rollout, by=(), chosen=Q(), thresholds=thresholds, gone=gone)
    return Board(
        by=by,
        phases=_head_phases(phases, columns),
        heads=_head_columns(grid, moments),
        everything=grid.fill(counted),
        rows=[Row(label, grid.fill(groups.get(label.key, []))) for label in labels],
        page=found,
        line=grid.line,
    )


def _list_stretches(phases: Sequence[Phase], moments: Sequence[Moment]) -> list[Stretch]:
    by_phase = {
        phase_id: [at for at, _same in groupby(rows, key=lambda moment: moment.due_at)]
        for phase_id, rows in groupby(moments, key=lambda moment: moment.phase_id)
    }
    return [
        Stretch(phase.pk, phase.first_day, phase.last_day, phase.ends_at, by_phase.get(phase.pk, []))
        for phase in phases
    ]


def _list_rulers(rollout: Rollout) -> list[tuple[Grain, Ruler]]:
    if rollout.day_seconds is not None:
        return [(Grain.DAY, rule_rehearsal_days(rollout.day_seconds))]
    zone = ZoneInfo(rollout.zone)
    return [(Grain.DAY, rule_days(zone)), (Grain.WEEK, rule_weeks(zone))]


def _label_flags(rows: Sequence[RolloutFlag]) -> tuple[list[Label], Q]:
    """Return the labels of rows that are flags, and what keeps their steps."""
    labels = [Label((row.flag_id,), row.flag.name, "", url_key=row.flag.key) for row in rows]
    return labels, choose_flags(rows)


def _label_audiences(rows: Sequence[dict[str, Any]]) -> tuple[list[Label], Q]:
    """Return the labels of rows that are audiences, and what keeps their steps."""
    found = [read_audience(row) for row in rows]
    labels = [
        Label(row.key, say_whom(row.site or row.segment, row.share_bp), row.city or "", url_key=row.site_key or "")
        for row in found
    ]
    return labels, choose_audiences(found)


def _head_phases(phases: Sequence[Phase], columns: Sequence[Column]) -> list[PhaseHead]:
    widths = Counter(column.phase_id for column in columns)
    return [PhaseHead(phase, widths[phase.pk]) for phase in phases if widths[phase.pk]]


def _head_columns(grid: _Grid, moments: Sequence[Moment]) -> list[Head]:
    """Return the heads of the columns, with the site's name where all of a column goes to one."""
    sites: dict[int | None, set[int | None]] = {}
    for moment in moments:
        index = find_column(grid.columns, phase_id=moment.phase_id, at=moment.due_at)
        sites.setdefault(index, set()).add(moment.site_id)
    return [
        Head(
            column=column,
            spot=grid.spot(index),
            site=grid.name(_find_common(sites.get(index, ()))),
            zone=ZoneInfo(grid.rollout.zone),
            number=grid.number(column, column.first_at),
            last_number=grid.number(column, column.last_at),
        )
        for index, column in enumerate(grid.columns)
    ]
