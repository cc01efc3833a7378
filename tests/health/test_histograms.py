"""Histograms of durations: what grew, and as a sample holds it."""

from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health.domain.histograms import Explicit, Exponential, dump_buckets, is_sound, load_buckets
from health.domain.samples import MAX_BOUND_MS, MAX_BUCKETS

COUNTS = st.lists(st.integers(0, 1_000), max_size=40).map(tuple)


def exponentials(*, finest: int = 20) -> st.SearchStrategy[Exponential]:
    return st.builds(
        Exponential, st.integers(-10, finest), st.integers(-(2**31), 2**31 - 1), COUNTS, st.integers(0, 50)
    )


@given(exponentials())
def test_exponential__as_a_sample__keeps_every_count_under_rising_bounds(one: Exponential) -> None:
    latency = one.to_latency()

    assert latency is not None
    bounds, counts = latency["bounds"], latency["counts"]
    assert isinstance(bounds, list)
    assert isinstance(counts, list)
    assert sum(counts) == one.total
    assert len(counts) == len(bounds) + 1 <= MAX_BUCKETS + 1
    assert bounds == sorted(set(bounds))
    assert all(0 <= bound <= MAX_BOUND_MS for bound in bounds)


@given(exponentials(), st.integers(0, 12))
def test_exponential__coarser__counts_the_same(one: Exponential, shift: int) -> None:
    coarse = one.coarsen(one.scale - shift)

    assert (coarse.scale, coarse.total) == (one.scale - shift, one.total)


def test_exponential__at_scale_zero__is_in_powers_of_two_of_a_second() -> None:
    assert Exponential(0, -1, (3, 4), 2).to_latency() == {"bounds": [500, 1000, 2000], "counts": [2, 3, 4, 0]}


def test_exponential__grown_at_a_coarser_scale__is_compared_there() -> None:
    before = Exponential(1, -2, (1, 2, 3), 0)
    after = Exponential(0, -1, (3, 5), 1)

    assert after.minus(before) == Exponential(0, -1, (0, 2), 1)


@given(exponentials(finest=4), st.integers(0, 3))
def test_exponential__nothing_new__differs_by_nothing(one: Exponential, shift: int) -> None:
    grown = one.coarsen(one.scale - shift).minus(one)

    assert grown is not None
    assert grown.total == 0


def test_exponential__that_lost_counts__is_no_growth() -> None:
    assert Exponential(0, 0, (1,), 0).minus(Exponential(0, 0, (2,), 0)) is None
    assert Exponential(0, 5, (1,), 0).minus(Exponential(0, 0, (1,), 0)) is None
    assert Exponential(0, 0, (1,), 0).minus(Exponential(0, 0, (1,), 1)) is None


def test_exponential__wide_one__is_made_coarse_until_it_fits() -> None:
    latency = Exponential(7, -2_000, tuple([1] * 1_000), 0).to_latency()

    assert latency is not None
    assert isinstance(latency["bounds"], list)
    assert len(latency["bounds"]) <= 161


def test_exponential__bounds__lie_where_the_scale_says() -> None:
    latency = Exponential(3, 8, (1,), 0).to_latency()

    assert latency is not None
    assert isinstance(latency["bounds"], list)
    assert [round(log2(bound / 1_000) * 8, 3) for bound in latency["bounds"]] == [8.0, 9.0]


def test_explicit__beyond_a_day__is_one_bucket() -> None:
    assert Explicit((1.0, MAX_BOUND_MS * 2.0), (1, 2, 3)).to_latency() == {"bounds": [1], "counts": [1, 5]}


@pytest.mark.parametrize(
    ("bounds", "counts"),
    [
        ((1.0, 1.0), (0, 0, 0)),
        ((2.0, 1.0), (0, 0, 0)),
        ((-1.0,), (0, 0)),
        ((float("nan"),), (0, 0)),
        ((float("inf"),), (0, 0)),
        ((1.0,), (0,)),
        ((1.0,), ()),
        (tuple(map(float, range(201))), (0,) * 202),
    ],
)
def test_explicit__bounds_of_no_histogram__are_unsound(bounds: tuple[float, ...], counts: tuple[int, ...]) -> None:
    assert not is_sound(bounds, counts)


def test_explicit__no_buckets_at_all__is_sound_and_has_no_total() -> None:
    assert is_sound((), ())
    assert Explicit((), ()).total is None


@given(st.one_of(exponentials(), st.builds(Explicit, st.just((1.0, 2.0)), st.just((1, 2, 3))), st.none()))
def test_buckets__stored_and_read__are_the_same(one: Exponential | Explicit | None) -> None:
    assert load_buckets(dump_buckets(one)) == one
