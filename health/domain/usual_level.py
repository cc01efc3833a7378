"""Whether the daily limit of complaints lies within what is usual here, so that it may be passed by chance alone."""

import math
from collections.abc import Sequence

from health.domain.complaints import DAILY_COMPLAINT_LIMIT

#: So many of a thousand days stay at or below the quantile.
SHARE = 0.999
#: How many weeks are looked back.
WEEKS = 4


def find_poisson_quantile(mean: float, share: float = SHARE) -> int:
    """Return the least count that a Poisson variable of this mean stays at or below with this probability.

    The mean must be finite and not negative, the share below 1; else ValueError.
    """
    if not (math.isfinite(mean) and mean >= 0 and 0 <= share < 1):
        raise ValueError("a mean from 0 on, a share below 1")
    count, term = 0, math.exp(-mean)
    total = term
    # The bound is far beyond every quantile that floats can tell apart from one.
    most = int(mean + 40 * math.sqrt(mean + 1) + 40)
    while total < share and count < most:
        count += 1
        term *= mean / count
        total += term
    return count


def measure_usual(counts: Sequence[int]) -> float:
    """Return the usual number of complaints on such a day, 0 where no day is known."""
    return sum(counts) / len(counts) if counts else 0.0


def is_limit_usual(counts: Sequence[int], *, limit: int = DAILY_COMPLAINT_LIMIT) -> bool:
    """Tell whether the limit is a likely number of complaints here, release or not, by the days before it."""
    return find_poisson_quantile(measure_usual(counts)) >= limit
