"""The standing rollout stands calmly whenever the demo is loaded: every weekday, hour, holiday and change of clocks."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from releaseportal.demo.calm import LEAST_CALM, Start, find_start, stands_calmly
from releaseportal.demo.catalogue import FLAG_KEYS, SITES
from rollouts.domain.planning import CalendarDays, PlannedPhase, PlanSite, plan_phases
from rollouts.domain.templates import FOUR_PHASES, PhaseKind

PARIS = ZoneInfo("Europe/Paris")
#: The days on which the demo's sites are open.
OPEN_SITES = [PlanSite(site.key, frozenset({1, 2, 3, 4, 5, 6})) for site in SITES]


def draw(start: Start) -> Sequence[PlannedPhase]:
    days = CalendarDays(start_on=start.on, sites=OPEN_SITES, zone=PARIS)
    return plan_phases(
        FOUR_PHASES, flag_keys=FLAG_KEYS, sites=OPEN_SITES, promotion_time=start.promotion_time, days=days
    )


def assert_calm(now: datetime) -> None:
    start = find_start(draw, now=now)

    assert start is not None, now
    phases = draw(start)
    assert start.planned_at < phases[0].starts_at < now
    moments = [step.due_at for phase in phases for step in phase.steps]
    assert not [due for due in moments if now < due <= now + LEAST_CALM]
    (per_site,) = [phase for phase in phases if phase.kind is PhaseKind.PER_SITE]
    (full,) = [phase for phase in phases if phase.kind is PhaseKind.FULL]
    assert per_site.starts_at <= now < full.starts_at
    done = {step.site_key for step in per_site.steps if step.due_at <= now}
    assert 2 <= len(done) <= 4


@pytest.mark.parametrize(
    "local",
    [
        datetime(2026, 3, 29, 1, 59, tzinfo=PARIS),  # the night that lacks an hour ...
        datetime(2026, 3, 29, 3, 0, tzinfo=PARIS),
        datetime(2026, 3, 28, 17, 59, tzinfo=PARIS),
        datetime(2026, 10, 25, 2, 30, tzinfo=PARIS),  # ... and the one that has one twice
        datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=PARIS),
        datetime(2026, 10, 24, 18, 0, tzinfo=PARIS),
        datetime(2026, 11, 7, 23, 0, tzinfo=PARIS),  # Saturday night
        datetime(2026, 11, 8, 12, 0, tzinfo=PARIS),  # Sunday
        datetime(2026, 11, 9, 1, 0, tzinfo=PARIS),  # five hours before 06:00
        datetime(2026, 11, 9, 5, 59, 59, tzinfo=PARIS),
        datetime(2026, 11, 9, 6, 0, tzinfo=PARIS),
        datetime(2026, 11, 9, 18, 0, tzinfo=PARIS),
        datetime(2026, 5, 8, 9, 0, tzinfo=PARIS),  # May: a holiday nearly every week
        datetime(2026, 5, 14, 9, 0, tzinfo=PARIS),
        datetime(2026, 5, 25, 17, 0, tzinfo=PARIS),
        datetime(2026, 4, 6, 10, 0, tzinfo=PARIS),  # Easter Monday
        datetime(2026, 12, 24, 23, 59, tzinfo=PARIS),
        datetime(2026, 12, 25, 6, 0, tzinfo=PARIS),
        datetime(2027, 1, 1, 0, 0, tzinfo=PARIS),
        datetime(2028, 2, 29, 12, 0, tzinfo=PARIS),
    ],
    ids=str,
)
def test_start__at_an_awkward_moment__stands_calmly(local: datetime) -> None:
    assert_calm(local.astimezone(UTC))


@pytest.mark.parametrize("month", range(1, 13))
def test_start__throughout_a_year__stands_calmly(month: int) -> None:
    # Every 29 hours, so that each weekday is met at each hour.
    now = datetime(2026, month, 1, tzinfo=UTC)
    while now.month == month:
        assert_calm(now)
        now += timedelta(hours=29)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10 * 366 * 86_400))
def test_start__at_any_second_of_ten_years__stands_calmly(second: int) -> None:
    assert_calm(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second))


def test_plan__with_a_step_due_within_half_a_day__is_not_calm() -> None:
    start = Start(date(2026, 11, 2), time(6), datetime(2026, 10, 30, tzinfo=UTC))
    phases = draw(start)
    moments = sorted({step.due_at for phase in phases for step in phase.steps if step.site_key})
    third, fourth = moments[2:4]

    assert stands_calmly(phases, now=third)
    assert stands_calmly(phases, now=fourth - LEAST_CALM - timedelta(seconds=1))
    assert not stands_calmly(phases, now=fourth - LEAST_CALM)
    assert not stands_calmly(phases, now=moments[0])
    assert not stands_calmly(phases, now=moments[5])


def test_start__that_nothing_makes_calm__is_none() -> None:
    assert find_start(lambda start: (), now=datetime(2026, 11, 9, tzinfo=UTC)) is None
