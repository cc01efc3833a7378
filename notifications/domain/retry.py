"""When a failed delivery is tried again, and how many are under way at once."""

from datetime import timedelta

#: With the delays below, about a day: a mail server that is down over night loses nothing.
MAX_ATTEMPTS = 36
FIRST_SECONDS = 5
LONGEST_SECONDS = 3_600
#: What a dead courier held is sent again after it; several times the sockets' time limit.
LEASE = timedelta(seconds=60)
#: Fewer than the worker has threads: a mail server that hangs must not keep flags from going off.
MOST_COURIERS = 2


def delay_after(attempts: int, *, jitter: float) -> timedelta | None:
    """Return how long to wait after this many failed attempts, None where it is given up.

    Doubles from 5 s to an hour; `jitter` in [0, 1) spreads it over half of its length.
    """
    if attempts >= MAX_ATTEMPTS:
        return None
    seconds = min(FIRST_SECONDS * 2 ** (attempts - 1), LONGEST_SECONDS)
    return timedelta(seconds=seconds * (0.5 + jitter / 2))


#: Endpoints that are spoken with at once, by one thread of the worker each in turn and a pool of its own.
MOST_OUTSIDE = 8
