"""Histograms of every client on one scale."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health.domain.histogram import EDGES, LONGEST_MS, RATIO, count_above, count_all, find_quantile, merge, spread

BOUNDS = st.lists(
    st.floats(min_value=0, max_value=LONGEST_MS) | st.integers(0, LONGEST_MS), max_size=20, unique=True
).map(sorted)


@st.composite
def sent(draw: st.DrawFn) -> tuple[list[float], list[int]]:
    """Bounds and counts as the parser lets them in."""
    bounds = draw(BOUNDS)
    return bounds, draw(st.lists(st.integers(0, 10_000), min_size=len(bounds) + 1, max_size=len(bounds) + 1))


@given(sent())
def test_spread__whatever_is_sent__keeps_the_number(one: tuple[list[float], list[int]]) -> None:
    bounds, counts = one

    assert count_all(spread(bounds, counts)) == pytest.approx(sum(counts))


@given(sent())
def test_spread__above_each_bound_sent__says_what_was_sent(one: tuple[list[float], list[int]]) -> None:
    bounds, counts = one
    found = spread(bounds, counts)

    for place, bound in enumerate(bounds):
        # The bin that a bound lies in is shared by what is below and above: that many may be on the wrong side.
        inside = found.get(max(at for at, edge in enumerate(EDGES) if edge <= bound), 0.0)
        assert abs(count_above(found, bound) - sum(counts[place + 1 :])) <= inside + 1e-6


@given(st.lists(sent(), max_size=5))
def test_merge__in_any_order__is_the_same_sum(several: list[tuple[list[float], list[int]]]) -> None:
    found = [spread(*one) for one in several]

    there, back = merge(found), merge(reversed(found))

    assert there.keys() == back.keys()
    assert all(there[place] == pytest.approx(back[place]) for place in there)
    assert count_all(there) == pytest.approx(sum(map(count_all, found)))


@given(sent(), st.floats(0, 1), st.floats(0, 1))
def test_find_quantile__of_a_greater_share__is_not_less(one: Any, left: float, right: float) -> None:
    found = spread(*one)
    low, high = (find_quantile(found, share) for share in sorted((left, right)))

    if not count_all(found):
        assert low is high is None
        return
    assert low is not None
    assert high is not None
    assert low <= high


@given(st.lists(st.floats(min_value=1, max_value=LONGEST_MS), min_size=1, max_size=200), st.floats(0.01, 0.99))
def test_find_quantile__of_exact_times__is_off_by_less_than_a_bin(times: list[float], share: float) -> None:
    bounds = list(EDGES[1:-1])
    counts = [0] * (len(bounds) + 1)
    for time in times:
        counts[sum(bound <= time for bound in bounds)] += 1
    exact = sorted(times)[min(int(share * len(times)), len(times) - 1)]
    before = sorted(times)[max(int(share * len(times)) - 1, 0)]

    found = find_quantile(spread(bounds, counts), share)

    assert found is not None
    assert before / RATIO <= found + 1e-9
    assert found <= exact * RATIO + 1e-9


def test_spread__a_coarse_bucket__is_shared_by_width() -> None:
    found = spread([100, 200], [0, 100, 0])

    assert find_quantile(found, 0.5) == pytest.approx(150)
    assert count_above(found, 175) == pytest.approx(25)


def test_spread__beyond_the_last_bound__counts_from_there() -> None:
    found = spread([1_000], [0, 7])

    assert count_above(found, 950) == pytest.approx(7)
    assert spread([], [7]) == {0: 7.0}
    assert find_quantile({}, 0.5) is None
