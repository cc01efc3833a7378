"""Which windows a pull asks for: on one grid, each once, after an outage, not for ever back."""

from datetime import UTC, datetime, timedelta

import pytest

from health.domain.counters import Window
from health.domain.pulling import Plan, has_data, is_gap, list_over, plan_windows

NOW = datetime(2026, 11, 24, 8, 10, 20, tzinfo=UTC)
HORIZON = datetime(2026, 11, 24, 8, 10, 0, tzinfo=UTC)


def plan(*, pulled_until: datetime | None, interval: int = 60, now: datetime = NOW) -> Plan:
    return plan_windows(pulled_until=pulled_until, interval_seconds=interval, now=now)


def starts(one: Plan) -> list[str]:
    return [f"{datetime.fromtimestamp(window.start_ms / 1_000, UTC):%H:%M:%S}" for window in one.windows]


def ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000)


def test_windows__first_pull__is_the_last_window_that_ended() -> None:
    assert starts(plan(pulled_until=None)) == ["08:09:00"]


def test_windows__nothing_ended_since__asks_for_nothing() -> None:
    assert plan(pulled_until=HORIZON).windows == []


def test_windows__missed_ones__are_asked_for_in_order_and_not_twice() -> None:
    assert starts(plan(pulled_until=HORIZON - timedelta(minutes=3))) == ["08:07:00", "08:08:00", "08:09:00"]


def test_windows__long_interval__are_a_minute_each() -> None:
    one = plan(pulled_until=HORIZON - timedelta(minutes=5), interval=300)

    assert len(one.windows) == 5


def test_windows__after_a_day_away__reach_an_hour_back_in_stretches() -> None:
    one = plan(pulled_until=HORIZON - timedelta(days=1))

    assert (starts(one)[0], len(one.windows), one.more) == ("07:10:00", 10, True)
    assert one.at <= HORIZON - timedelta(minutes=40)


def test_windows__of_a_longer_interval_than_before__begin_on_its_grid_and_count_nothing_twice() -> None:
    assert starts(plan(pulled_until=HORIZON - timedelta(seconds=75))) == ["08:09:00"]


@pytest.mark.parametrize(("newest", "over"), [(61_000, 1), (60_000, 1), (59_000, 0), (120_000, 2)])
def test_over__window__is_so_when_a_later_scrape_is_there(newest: int, over: int) -> None:
    windows = [Window(ms(NOW), ms(NOW) + 60_000), Window(ms(NOW) + 60_000, ms(NOW) + 120_000)]

    assert len(list_over(windows, newest_ms=ms(NOW) + newest, now=NOW + timedelta(seconds=75))) == over


def test_over__a_minute_after_its_end__is_so_if_anything_was_scraped_in_it() -> None:
    window, now = Window(ms(NOW), ms(NOW) + 60_000), NOW + timedelta(minutes=2)

    assert list_over([window], newest_ms=ms(NOW) + 1, now=now) == [window]
    assert list_over([window], newest_ms=ms(NOW) - 1, now=now) == []


def test_gap__of_long_ago__is_passed_over_and_a_fresh_one_is_waited_for() -> None:
    window = Window(ms(NOW), ms(NOW) + 60_000)

    assert is_gap([window], newest_ms=0, now=NOW + timedelta(minutes=11))
    assert not is_gap([window], newest_ms=0, now=NOW + timedelta(minutes=10))
    assert not is_gap([window], newest_ms=ms(NOW), now=NOW + timedelta(minutes=11))


def test_data__older_than_a_missed_scrape__says_nothing_of_now() -> None:
    assert has_data(newest_ms=ms(NOW) - 150_000, now=NOW)
    assert not has_data(newest_ms=ms(NOW) - 150_001, now=NOW)
