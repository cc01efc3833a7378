"""The day counter counts plan days and stands still with the plan."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from core.domain.business_time import at_local
from rollouts.domain.plan_day import count_plan_day, count_rehearsal_day
from rollouts.domain.planning import PlanSite

PARIS = ZoneInfo("Europe/Paris")
#: Closed on Sundays and Mondays.
SITES = [PlanSite("lyon", frozenset({2, 3, 4, 5, 6}))]
START = datetime(2026, 11, 24, 8, tzinfo=UTC)
DAY = 60


@pytest.mark.parametrize(
    ("today", "day"),
    [
        (date(2026, 10, 22), 3),
        (date(2026, 10, 23), 3),
        (date(2026, 10, 24), 4),
        # Sunday and Monday are no plan days; in the night between them clocks go back.
        (date(2026, 10, 25), 4),
        (date(2026, 10, 26), 4),
        (date(2026, 10, 27), 5),
        (date(2026, 11, 30), 5),
    ],
)
@pytest.mark.parametrize("hour", [time(), time(6), time(23, 59)])
def test_count_plan_day__pilot_over_a_weekend__leaves_closed_days_out(today: date, day: int, hour: time) -> None:
    counted = count_plan_day(
        first_day=3,
        last_day=5,
        ends_at=at_local(date(2026, 10, 28), time(), zone=PARIS),
        at=at_local(today, hour, zone=PARIS),
        sites=SITES,
        zone=PARIS,
    )

    assert counted == day


def test_count_plan_day__a_plan_moved_by_a_week__goes_on_with_the_day_it_stood_at() -> None:
    def count(today: date, end: date) -> int:
        ends_at = at_local(end, time(6), zone=PARIS) - timedelta(seconds=1)
        at = at_local(today, time(9), zone=PARIS)
        return count_plan_day(first_day=3, last_day=5, ends_at=ends_at, at=at, sites=SITES, zone=PARIS)

    assert count(date(2026, 11, 18), date(2026, 11, 20)) == count(date(2026, 11, 25), date(2026, 11, 27)) == 4


@pytest.mark.parametrize(("seconds", "day"), [(0, 3), (59, 3), (60, 4), (119, 4), (120, 5), (179, 5), (500, 5)])
def test_count_rehearsal_day__each_second__is_in_its_day(seconds: int, day: int) -> None:
    counted = count_rehearsal_day(
        first_day=3,
        last_day=5,
        ends_at=START + timedelta(seconds=3 * DAY),
        at=START + timedelta(seconds=seconds),
        day_seconds=DAY,
    )

    assert counted == day
