"""When a failed delivery is tried again."""

from datetime import timedelta

MAX_ATTEMPTS = 12
FIRST_SECONDS = 5
LONGEST_SECONDS = 3_600
LEASE = timedelta(seconds=60)


def delay_after(attempts: int, *, jitter: float) -> timedelta | None:
    """Return how long to wait after this many failed attempts, None where it is given up.

    Doubles from 5 s to an hour; `jitter` in [0, 1) spreads it over half of its length.
    """
    if attempts >= MAX_ATTEMPTS:
        return None
    seconds = min(FIRST_SECONDS * 2 ** (attempts - 1), LONGEST_SECONDS)
    return timedelta(seconds=seconds * (0.5 + jitter / 2))
