"""When an event that could not be taken in is tried again."""

from datetime import timedelta

MAX_ATTEMPTS = 8


def delay_after(attempts: int) -> timedelta | None:
    """Return how long to wait after this many failed attempts: 2 s, doubling; None where it is given up."""
    return None if attempts >= MAX_ATTEMPTS else timedelta(seconds=2**attempts)
