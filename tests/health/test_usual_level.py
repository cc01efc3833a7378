"""Whether ten complaints a day are usual here: Poisson quantiles as published tables have them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health.domain.usual_level import find_poisson_quantile, is_limit_usual

#: From tables of the cumulative Poisson distribution: the first count whose cumulative probability reaches the share,
#: e.g. mean 3: P(X ≤ 9) = 0.9989, P(X ≤ 10) = 0.9997.
KNOWN = [
    (0.0, 0.999, 0),
    (0.5, 0.999, 4),
    (1.0, 0.999, 5),
    (2.0, 0.999, 8),
    (3.0, 0.999, 10),
    (4.0, 0.999, 11),
    (5.0, 0.999, 13),
    (10.0, 0.999, 21),
    (1.0, 0.95, 3),
    (2.0, 0.95, 5),
    (5.0, 0.95, 9),
    (10.0, 0.95, 15),
    (5.0, 0.99, 11),
    (10.0, 0.99, 18),
]


@pytest.mark.parametrize(("mean", "share", "quantile"), KNOWN)
def test_quantile__known_means__are_those_of_the_tables(mean: float, share: float, quantile: int) -> None:
    assert find_poisson_quantile(mean, share) == quantile


@given(st.floats(0, 500), st.floats(0, 0.9999))
def test_quantile__any_mean__is_the_first_that_reaches_the_share(mean: float, share: float) -> None:
    quantile = find_poisson_quantile(mean, share)

    def reach(count: int) -> float:
        logarithm = math.log(mean) if mean else -math.inf
        return math.fsum(math.exp((k * logarithm if k else 0.0) - mean - math.lgamma(k + 1)) for k in range(count + 1))

    assert reach(quantile) >= share - 1e-9
    assert quantile == 0 or reach(quantile - 1) < share + 1e-9


@pytest.mark.parametrize(("mean", "share"), [(-1, 0.9), (math.nan, 0.9), (math.inf, 0.9), (1, 1), (1, -0.1)])
def test_quantile__of_nonsense__is_refused(mean: float, share: float) -> None:
    with pytest.raises(ValueError, match="mean"):
        find_poisson_quantile(mean, share)


@pytest.mark.parametrize(
    ("counts", "is_usual"),
    [([], False), ([0, 0, 0, 0], False), ([2, 3, 2, 2], False), ([3, 3, 3, 3], True), ([12], True)],
)
def test_limit__by_the_days_before__is_usual_from_about_three_a_day(counts: list[int], is_usual: bool) -> None:
    assert is_limit_usual(counts) is is_usual
