from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.business_time import at_local, day_bounds, is_open, is_public_holiday, local_day

PARIS = ZoneInfo("Europe/Paris")
SPRING = date(2027, 3, 28)
AUTUMN = date(2026, 10, 25)
SHOP_DAYS = {1, 2, 3, 4, 5, 6}


def test_at_local__winter_and_summer__six_o_clock_moves_in_utc() -> None:
    assert at_local(date(2026, 11, 4), time(6), zone=PARIS) == datetime(2026, 11, 4, 5, tzinfo=UTC)
    assert at_local(date(2026, 7, 1), time(6), zone=PARIS) == datetime(2026, 7, 1, 4, tzinfo=UTC)


def test_at_local__hour_skipped_in_spring__moves_forward_by_the_gap() -> None:
    moment = at_local(SPRING, time(2, 30), zone=PARIS)

    assert moment == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
    assert moment.astimezone(PARIS).time() == time(3, 30)


def test_at_local__hour_repeated_in_autumn__is_the_first_one() -> None:
    assert at_local(AUTUMN, time(2, 30), zone=PARIS) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (date(2026, 11, 4), 24), (AUTUMN, 25)])
def test_day_bounds__nights_the_clock_changes__have_their_true_length(day: date, hours: int) -> None:
    start, end = day_bounds(day, zone=PARIS)

    assert end - start == timedelta(hours=hours)


@given(st.integers(min_value=0, max_value=5 * 366 * 24 * 3600))
def test_day_bounds__any_moment__lies_in_its_own_local_day(seconds: int) -> None:
    moment = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)

    start, end = day_bounds(local_day(moment, zone=PARIS), zone=PARIS)

    assert start <= moment < end


@pytest.mark.parametrize(
    "day",
    [
        date(2026, 1, 1),
        date(2026, 4, 6),  # Easter Monday
        date(2026, 5, 1),
        date(2026, 5, 8),
        date(2026, 5, 14),  # Ascension
        date(2026, 5, 25),  # Whit Monday
        date(2026, 7, 14),
        date(2026, 8, 15),
        date(2026, 11, 1),
        date(2026, 11, 11),
        date(2026, 12, 25),
    ],
)
def test_is_public_holiday__the_eleven_french_ones__are_known(day: date) -> None:
    assert is_public_holiday(day)


def test_is_open__holiday__only_when_asked_for() -> None:
    armistice = date(2026, 11, 11)

    assert not is_open(armistice, weekdays=SHOP_DAYS)
    assert is_open(armistice, weekdays=SHOP_DAYS, on_holidays=True)
    assert not is_open(date(2026, 11, 15), weekdays=SHOP_DAYS, on_holidays=True)
