"""The grid of the board: columns of phases, the line of now, and what a cell says."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from rollouts.domain.board import (
    CellState,
    Column,
    Grain,
    Line,
    Stretch,
    Tally,
    find_column,
    lay_columns,
    place_line,
    rule_days,
    rule_rehearsal_days,
    rule_weeks,
)
from rollouts.domain.lifecycle import Status

PARIS = ZoneInfo("Europe/Paris")
DATES = [(Grain.DAY, rule_days(PARIS)), (Grain.WEEK, rule_weeks(PARIS))]


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).astimezone(UTC)


def _stretch(pk: int, *moments: str) -> Stretch:
    found = [_at(text) for text in moments]
    return Stretch(pk, first_day=1, last_day=1, ends_at=found[-1] if found else _at("2026-12-01 06:00"), moments=found)


def _daily(pk: int, start: str, days: int) -> Stretch:
    first = datetime.fromisoformat(start)
    return _stretch(pk, *((first + timedelta(days=n)).isoformat() for n in range(days)))


def _lay(*stretches: Stretch) -> list[Column]:
    return lay_columns(stretches, rulers=DATES)


def test_columns__few_days__are_days_with_their_moments_together() -> None:
    columns = _lay(_stretch(1, "2026-11-30 06:00", "2026-11-30 11:00", "2026-12-02 06:00"), _stretch(2))

    assert [(column.phase_id, column.grain, column.span.day) for column in columns] == [
        (1, Grain.DAY, date(2026, 11, 30)),
        (1, Grain.DAY, date(2026, 12, 2)),
    ]
    assert (columns[0].first_at, columns[0].last_at) == (_at("2026-11-30 06:00"), _at("2026-11-30 11:00"))


def test_columns__many_days__are_weeks_from_monday_on() -> None:
    columns = _lay(_daily(1, "2026-12-02 06:00", 14))

    assert {column.grain for column in columns} == {Grain.WEEK}
    assert [column.span.day for column in columns] == [date(2026, 11, 30), date(2026, 12, 7), date(2026, 12, 14)]


def test_columns__many_weeks__are_one() -> None:
    [column] = _lay(_daily(1, "2026-12-02 06:00", 100))

    assert column.grain is Grain.WHOLE
    assert column.last_at - column.first_at == timedelta(days=99)


def test_columns__across_a_clock_change__are_civil_days() -> None:
    columns = _lay(_daily(1, "2027-03-27 06:00", 3))

    assert [column.span.ends_at - column.span.starts_at for column in columns] == [
        timedelta(hours=24),
        timedelta(hours=23),
        timedelta(hours=24),
    ]
    assert [column.first_at.astimezone(PARIS).hour for column in columns] == [6, 6, 6]


def test_columns__of_a_rehearsal__are_numbered_days_back_from_the_end() -> None:
    start = _at("2026-11-30 10:00")
    moments = [start, start + timedelta(seconds=30), start + timedelta(seconds=60)]
    stretch = Stretch(1, first_day=3, last_day=5, ends_at=start + timedelta(seconds=180), moments=moments)

    columns = lay_columns([stretch], rulers=[(Grain.DAY, rule_rehearsal_days(60))])

    assert [column.span.number for column in columns] == [3, 4]
    assert columns[0].last_at == moments[1]
    assert columns[1].span.starts_at == moments[2]


@pytest.mark.parametrize(
    ("now", "line"),
    [
        ("2026-11-01 06:00", Line(0, 0)),
        ("2026-11-30 05:59", Line(0, 0)),
        # Of two moments the first was: within the day, and on neither edge.
        ("2026-11-30 06:00", Line(0, 1)),
        ("2026-11-30 08:30", Line(0, 5)),
        ("2026-11-30 10:59", Line(0, 9)),
        # All of the day was: before what comes next, also in the evening and over the night.
        ("2026-11-30 11:00", Line(1, 0)),
        ("2026-12-01 23:00", Line(1, 0)),
        ("2026-12-02 06:00", Line(1, 10)),
        ("2027-12-02 06:00", Line(1, 10)),
    ],
)
def test_line__of_now__stands_between_what_was_and_what_is_to_come(now: str, line: Line) -> None:
    columns = _lay(_stretch(1, "2026-11-30 06:00", "2026-11-30 11:00"), _stretch(2, "2026-12-02 06:00"))

    assert place_line(columns, now=_at(now)) == line


@pytest.mark.parametrize(
    ("now", "line"),
    [("2026-10-24 23:59", Line(1, 0)), ("2026-10-25 05:59", Line(1, 0)), ("2026-10-25 06:00", Line(2, 0))],
)
def test_line__in_the_night_the_clock_changes__keeps_to_local_hours(now: str, line: Line) -> None:
    assert place_line(_lay(_daily(1, "2026-10-24 06:00", 3)), now=_at(now)) == line


def test_line__without_a_step__is_nowhere() -> None:
    assert place_line([], now=_at("2026-11-30 06:00")) is None


def test_find_column__of_a_moment__is_the_phases_last_that_has_begun() -> None:
    columns = _lay(_stretch(1, "2026-11-30 06:00", "2026-12-02 06:00"), _stretch(2, "2026-12-02 11:00"))

    assert find_column(columns, phase_id=1, at=None) == 0
    assert find_column(columns, phase_id=1, at=columns[1].span.starts_at) == 1
    assert find_column(columns, phase_id=2, at=columns[1].span.starts_at) == 2
    assert find_column(columns, phase_id=3, at=None) is None


@pytest.mark.parametrize(
    ("tally", "status", "state"),
    [
        (Tally(planned=2), Status.RUNNING, CellState.PLANNED),
        (Tally(planned=2), Status.DRAFT, CellState.PLANNED),
        (Tally(planned=2), Status.HELD, CellState.HELD),
        (Tally(planned=2), Status.PAUSED, CellState.PAUSED),
        (Tally(planned=2), Status.CANCELLED, CellState.CANCELLED),
        (Tally(done=2), Status.HELD, CellState.DONE),
        (Tally(off=1), Status.ROLLED_BACK, CellState.OFF),
        (Tally(skipped=3), Status.RUNNING, CellState.SKIPPED),
        (Tally(done=1, skipped=3), Status.RUNNING, CellState.DONE),
        (Tally(planned=1, skipped=3), Status.HELD, CellState.HELD),
        (Tally(off=1, skipped=3), Status.HELD, CellState.OFF),
        (Tally(done=1, planned=2), Status.RUNNING, CellState.PART),
        (Tally(done=1, off=1), Status.RUNNING, CellState.PART),
    ],
)
def test_cell__of_steps__says_one_word(tally: Tally, status: Status, state: CellState) -> None:
    assert tally.judge(status=status) is state


def test_tallies__added__count_all() -> None:
    total = Tally(planned=1, done=2) + Tally(done=1, skipped=3, off=4)

    assert total == Tally(planned=1, done=3, skipped=3, off=4)
    assert total.total == 11
