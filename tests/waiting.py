"""Two writes at once, for real: one holds its locks, the other is seen waiting for them, then both end."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from django.db import connection, transaction

from core.errors import InvalidInput, Refusal

PATIENCE_SECONDS = 60


def wait_for_lock(other: "Future[Any]") -> None:
    """Return once another connection waits for a lock that this one holds; fail where it ends instead."""
    end = time.monotonic() + PATIENCE_SECONDS
    with connection.cursor() as cursor:
        while time.monotonic() < end:
            assert not other.done(), "it did not wait for the lock"
            # Not pg_stat_activity: a transaction sees that as it was when it first looked.
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
            )
            if cursor.fetchone()[0]:
                return
            time.sleep(0.02)
    raise AssertionError("nobody waits for the lock")


def race(first: Callable[[], object], second: Callable[[], object]) -> str:
    """Do both at once, the second while the first's transaction is still open.

    Returns how the second ended once the first was written: the code of its refusal, else "done". It
    must wait for the first; for tests with `transaction=True`.
    """
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first()
            other = pool.submit(_end_of, second)
            wait_for_lock(other)
        return other.result()


def _end_of(act: Callable[[], object]) -> str:
    try:
        act()
    except (Refusal, InvalidInput) as refusal:
        return refusal.code
    finally:
        connection.close()
    return "done"


def wait_until(holds: Callable[[], object], *, seconds: float = 30.0) -> None:
    """Wait until something holds; fail where it does not within the time."""
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit, "it never came about"
        time.sleep(0.02)
