"""Which components are touched how, how a day is drawn, what uptime is."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incidents.domain.tiers import Tier
from statuspage.domain.affecting import ComponentKind, Part, Trouble, find_touch
from statuspage.domain.history import DAYS, Day, Span, draw_days, find_uptime_bp, list_days
from statuspage.domain.states import Impact, Said, State, find_indicator, find_worst, state_of

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 11, 4, 12, tzinfo=UTC)
ALL_SITES = frozenset({"lyon", "nantes"})
TILL, SITE = Part(ComponentKind.TILL), Part(ComponentKind.SITE, site_key="lyon")


def _trouble(state: State = State.MAJOR, *, sites: Sequence[str] = (), **more: object) -> Trouble:
    return Trouble(state, NOW, NOW, site_keys=frozenset(sites), **more)  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize(
    ("sites", "till", "site"),
    [
        ((), State.MAJOR, None),
        (("lyon",), State.PARTIAL, State.MAJOR),
        (("nantes",), State.PARTIAL, None),
        (("lyon", "nantes"), State.MAJOR, State.MAJOR),
    ],
)
def test_touch__of_sites__is_whole_there_and_partial_for_the_till(
    sites: Sequence[str], till: State, site: State | None
) -> None:
    trouble = _trouble(sites=sites)

    assert find_touch(TILL, trouble, all_sites=ALL_SITES) is till
    assert find_touch(SITE, trouble, all_sites=ALL_SITES) is site


def test_touch__slight_at_one_site__makes_the_till_no_worse() -> None:
    assert find_touch(TILL, _trouble(State.DEGRADED, sites=["lyon"]), all_sites=ALL_SITES) is State.DEGRADED


def test_touch__of_a_target__is_its_back_ends_alone() -> None:
    trouble = _trouble(target_id=7)

    found = [
        find_touch(Part(ComponentKind.BACK_END, target_id=one), trouble, all_sites=ALL_SITES) for one in (None, 7, 8)
    ]

    assert found == [State.MAJOR, State.MAJOR, None]
    assert find_touch(Part(ComponentKind.BACK_END), _trouble(), all_sites=ALL_SITES) is None


def test_touch__of_a_flag__is_its_features() -> None:
    trouble = _trouble(flag_keys=frozenset({"buttons"}))

    assert find_touch(Part(ComponentKind.FEATURE, flag_keys=frozenset({"buttons", "x"})), trouble, all_sites=ALL_SITES)
    assert not find_touch(Part(ComponentKind.FEATURE, flag_keys=frozenset({"x"})), trouble, all_sites=ALL_SITES)


def test_state__while_it_is_watched__is_milder_and_over_is_operational() -> None:
    assert state_of(tier=Tier.CRITICAL, said=Said.IDENTIFIED) is State.MAJOR
    assert state_of(tier=Tier.CRITICAL, said=Said.MONITORING) is State.DEGRADED
    assert state_of(tier=Tier.CRITICAL, said=Said.RESOLVED) is State.OPERATIONAL


def test_indicator__maintenance_alone__is_none_and_the_worst_counts() -> None:
    assert find_indicator([State.MAINTENANCE]) is Impact.NONE
    assert find_indicator([]) is Impact.NONE
    assert find_indicator([State.MAINTENANCE, State.PARTIAL, State.DEGRADED]) is Impact.MAJOR
    assert find_worst([State.MAINTENANCE, State.DEGRADED]) is State.DEGRADED


DAYS_HERE = list_days(now=NOW, zone=PARIS)


def _draw(spans: Sequence[Span], *, counted_from: date = date(2026, 1, 1)) -> list[Day]:
    return draw_days(spans, days=DAYS_HERE, counted_from=counted_from)


def _span(state: State, start: datetime, minutes: float) -> Span:
    return Span(state, start, start + timedelta(minutes=minutes))


def test_days__overlapping_troubles__count_once_as_the_worst() -> None:
    start = datetime(2026, 11, 3, 9, tzinfo=UTC)
    spans = [
        _span(State.MAJOR, start, 10),
        _span(State.PARTIAL, start + timedelta(minutes=5), 10),
        _span(State.PARTIAL, start, 12),
    ]

    day = _draw(spans)[-2]

    assert (day.on, day.state) == (date(2026, 11, 3), State.MAJOR)
    assert day.minutes == {State.MAJOR: 10, State.PARTIAL: 5}


def test_days__over_midnight_there__are_cut_at_the_local_day() -> None:
    before = datetime(2026, 11, 3, 22, 50, tzinfo=UTC)

    days = _draw([_span(State.MAJOR, before, 30)])

    assert [day.minutes.get(State.MAJOR) for day in days[-2:]] == [10, 20]


def test_days__of_the_nights_the_clock_changes__are_as_long_as_they_are() -> None:
    days = _draw([])

    assert {day.on: day.measured_seconds for day in days}[date(2026, 10, 25)] == 25 * 3600
    assert days[-1].measured_seconds == 13 * 3600


def test_days__before_they_were_counted__are_unknown_and_not_healthy() -> None:
    days = _draw([], counted_from=date(2026, 11, 3))

    assert [day.state for day in days] == [None] * (DAYS - 2) + [State.OPERATIONAL] * 2
    assert find_uptime_bp(days[:-2]) is None


def test_uptime__of_a_partial_outage__counts_thirty_percent_and_is_rounded_down() -> None:
    start = datetime(2026, 11, 3, 9, tzinfo=UTC)
    [day] = [day for day in _draw([_span(State.PARTIAL, start, 144)]) if day.on == date(2026, 11, 3)]

    assert find_uptime_bp([day]) == 10_000 - 300
    begun = _draw([_span(State.MAJOR, start, 0.1)])
    assert find_uptime_bp(begun) == 9_999


@settings(max_examples=40)
@given(
    troubles=st.lists(
        st.tuples(
            st.sampled_from([State.MAJOR, State.PARTIAL, State.DEGRADED]), st.integers(0, 5000), st.integers(0, 900)
        ),
        max_size=8,
    )
)
def test_uptime__more_trouble__never_raises_it(troubles: Sequence[tuple[State, int, int]]) -> None:
    spans = [_span(state, NOW - timedelta(minutes=ago), long) for state, ago, long in troubles]

    shares = [find_uptime_bp(_draw(spans[:count])) for count in range(len(spans) + 1)]

    assert all(share is not None and 0 <= share <= 10_000 for share in shares)
    assert shares == sorted(shares, key=lambda one: -(one or 0))
