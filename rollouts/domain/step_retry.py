"""When a step that failed is tried again."""

from datetime import timedelta

#: Half a minute in all: longer than a database takes to come back, shorter than anybody should wait to hear.
MOST_ATTEMPTS = 5


def delay_after(attempts: int) -> timedelta | None:
    """Return how long to wait after this many failures: 2 s, doubling; None where a person must look."""
    return None if attempts >= MOST_ATTEMPTS else timedelta(seconds=2**attempts)
