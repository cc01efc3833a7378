"""Wilson's score interval, one bound at a time.

E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
Unlike k/n ± z·s it stays inside [0, 1] and says something sensible with no error at all.
"""

from math import sqrt
from statistics import NormalDist


def quantile(confidence: float) -> float:
    """Return the one-sided standard normal quantile: 0.95 gives 1.645."""
    return NormalDist().inv_cdf(confidence)


def wilson_lower(k: int, n: int, *, z: float) -> float:
    """Return the lower bound of the rate behind k of n; z is the one-sided quantile."""
    middle, half = _interval(k, n, z=z)
    return max(middle - half, 0.0)


def wilson_upper(k: int, n: int, *, z: float) -> float:
    """Return the upper bound of the rate behind k of n; z is the one-sided quantile."""
    middle, half = _interval(k, n, z=z)
    return min(middle + half, 1.0)


def _interval(k: int, n: int, *, z: float) -> tuple[float, float]:
    """Return the interval's middle and half its width; raises ValueError where there is none."""
    if not 0 <= k <= n or n == 0:
        raise ValueError(f"no rate behind {k} of {n}")
    rate = k / n
    scale = 1 + z * z / n
    middle = (rate + z * z / (2 * n)) / scale
    half = z * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / scale
    return middle, half
