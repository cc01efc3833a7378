"""Geometry of charts: whatever the figures, nothing lies outside the box and no line goes where nothing is."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.plot import (
    MOST_POINTS,
    MOST_TICKS,
    Span,
    choose_step,
    cut,
    draw_band,
    draw_runs,
    find_ceiling,
    height,
    list_ticks,
    write_points,
)

PARIS = ZoneInfo("Europe/Paris")
MOMENTS = st.integers(0, 6 * 365 * 86_400).map(lambda n: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=n))
LENGTHS = st.timedeltas(timedelta(minutes=1), timedelta(days=1_000))
SPANS = st.builds(lambda since, length: Span(since, since + length), MOMENTS, LENGTHS)
ZONES = st.sampled_from([PARIS, ZoneInfo("UTC"), ZoneInfo("America/Martinique"), ZoneInfo("Asia/Kolkata")])


@given(SPANS)
def test_cut__any_span__covers_it_without_gap_in_bounded_pieces(span: Span) -> None:
    pieces = cut(span, step=choose_step(span.length))

    assert pieces[0].since <= span.since < pieces[0].until
    assert pieces[-1].since < span.until <= pieces[-1].until
    assert all(one.until == other.since for one, other in pairwise(pieces))
    assert len(pieces) <= MOST_POINTS + 2


@given(SPANS, ZONES)
def test_ticks__any_span__are_few_within_it_and_in_order(span: Span, zone: ZoneInfo) -> None:
    ticks = list_ticks(span, zone=zone)

    assert len(ticks) <= MOST_TICKS
    assert all(span.since <= tick.local < span.until for tick in ticks)
    assert [tick.x for tick in ticks] == sorted(tick.x for tick in ticks)
    if span.length >= timedelta(days=5):
        assert all((tick.local.hour, tick.local.minute) == (0, 0) for tick in ticks)


def test_ticks__the_clock_goes_back__stand_at_local_midnights() -> None:
    span = Span(datetime(2026, 10, 24, 0, tzinfo=UTC), datetime(2026, 10, 27, 0, tzinfo=UTC))

    hours = [(tick.local.day, tick.local.hour) for tick in list_ticks(span, zone=PARIS)]

    assert hours == [(25, 0), (26, 0), (27, 0)]


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e9)), max_size=50), st.floats(0.001, 1e6))
def test_ceiling__any_values__is_round_and_above_them(values: list[float | None], least: float) -> None:
    ceiling = find_ceiling(values, least=least)

    known = [value for value in values if value is not None]
    assert all(value <= ceiling * (1 + 1e-9) for value in [*known, least])
    assert f"{ceiling:e}"[0] in "125"
    assert all(0 <= height(value, ceiling=ceiling) <= 100 for value in known)


@given(st.lists(st.one_of(st.none(), st.floats(0, 100)), max_size=40))
def test_runs__gaps__are_crossed_by_no_line(values: list[float | None]) -> None:
    runs = draw_runs(list(enumerate(values)))

    assert [point for run in runs for point in run] == [(i, y) for i, y in enumerate(values) if y is not None]
    assert all(right[0] - left[0] == 1 for run in runs for left, right in pairwise(run))


def test_points__of_a_run__are_written_as_svg_has_them() -> None:
    assert write_points([(0, 100), (33.33, 50.5)]) == "0,100 33.33,50.5"


@pytest.mark.parametrize(
    ("since", "until", "band"), [(0, 30, (0.0, 50.0)), (-60, 90, (0.0, 100.0)), (60, 90, None), (-60, 0, None)]
)
def test_band__of_a_stretch__ends_at_the_box(since: int, until: int, band: tuple[float, float] | None) -> None:
    begin = datetime(2026, 11, 24, 8, tzinfo=UTC)
    minutes = [begin + timedelta(minutes=n) for n in (since, until)]

    found = draw_band(Span(begin, begin + timedelta(hours=1)), since=minutes[0], until=minutes[1])

    assert (found and (found.x, found.width)) == band
