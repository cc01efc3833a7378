"""Wilson's bounds: known values, and what must hold for any."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health.domain.wilson import quantile, wilson_lower, wilson_upper

Z_975 = 1.959963984540054


@pytest.mark.parametrize(
    ("k", "n", "lower", "upper"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson__published_values__agree_to_four_digits(k: int, n: int, lower: float, upper: float) -> None:
    assert wilson_lower(k, n, z=Z_975) == pytest.approx(lower, abs=6e-5)
    assert wilson_upper(k, n, z=Z_975) == pytest.approx(upper, abs=6e-5)


def test_wilson__no_error__is_the_closed_form() -> None:
    z = quantile(0.95)

    assert wilson_lower(0, 60, z=z) == 0
    assert wilson_upper(0, 60, z=z) == pytest.approx(z * z / (60 + z * z))


@pytest.mark.parametrize(("confidence", "z"), [(0.95, 1.644854), (0.975, 1.959964), (0.9999, 3.719016)])
def test_quantile__of_the_normal_table__agrees(confidence: float, z: float) -> None:
    assert quantile(confidence) == pytest.approx(z, abs=1e-6)


@pytest.mark.parametrize(("k", "n"), [(0, 0), (-1, 10), (11, 10)])
def test_wilson__no_rate__raises(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="no rate"):
        wilson_lower(k, n, z=1)


@st.composite
def _counts(draw: st.DrawFn) -> tuple[int, int]:
    n = draw(st.integers(1, 100_000))
    return draw(st.integers(0, n)), n


@given(_counts(), st.floats(0.5, 5))
def test_wilson__any_counts__surround_the_rate_within_0_and_1(counts: tuple[int, int], z: float) -> None:
    k, n = counts
    assert 0 <= wilson_lower(k, n, z=z) <= k / n + 1e-12
    assert k / n - 1e-12 <= wilson_upper(k, n, z=z) <= 1


@given(_counts(), st.floats(0.5, 5))
def test_wilson__one_more_error__raises_both_bounds(counts: tuple[int, int], z: float) -> None:
    k, n = counts
    assert wilson_lower(k, n, z=z) <= wilson_lower(min(k + 1, n), n, z=z) + 1e-12
    assert wilson_upper(k, n, z=z) <= wilson_upper(min(k + 1, n), n, z=z) + 1e-12


@given(_counts(), st.floats(0.5, 5))
def test_wilson__the_complement__mirrors(counts: tuple[int, int], z: float) -> None:
    k, n = counts
    assert wilson_lower(k, n, z=z) == pytest.approx(1 - wilson_upper(n - k, n, z=z), abs=1e-9)
