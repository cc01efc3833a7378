"""Waits until another thread's connection waits for our lock: what a race test needs to be one."""

import time
from concurrent.futures import Future
from typing import Any

from django.db import connection

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
