"""When an outlet that failed is tried again."""

from datetime import timedelta

#: With the delays below about three hours.
MAX_ATTEMPTS = 12
FIRST_SECONDS = 5
LONGEST_SECONDS = 1_800


def delay_after(attempts: int) -> timedelta | None:
    """Return how long to wait after so many failed attempts, None where it is given up."""
    if attempts >= MAX_ATTEMPTS:
        return None
    return timedelta(seconds=min(FIRST_SECONDS * 2 ** (attempts - 1), LONGEST_SECONDS))
