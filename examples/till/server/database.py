"""Sessions with the till's database: a few, kept open, and opened again where one was ended."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus

Session = psycopg.Connection[tuple[Any, ...]]

VARIABLE = "DATABASE_URL"
CONNECT_SECONDS = 5
STATEMENT_MILLISECONDS = 10_000
KEPT = 4
#: More would take them from whoever else uses the server.
MOST = 8
LEND_SECONDS = 5


def get_address() -> str:
    """Return the address of the database; raises ValueError where nobody said it, or not as an address."""
    address = os.environ.get(VARIABLE, "")
    if not address:
        raise ValueError(f"{VARIABLE} is not set: postgres://user:password@host:port/name")
    try:
        conninfo_to_dict(address)
    except psycopg.ProgrammingError:
        # Its own words hold the address, and so the password.
        raise ValueError(f"{VARIABLE} is no address: postgres://user:password@host:port/name") from None
    return address


def connect(address: str) -> Session:
    """Open a session; each statement outside a transaction counts at once."""
    return psycopg.connect(
        address,
        autocommit=True,
        connect_timeout=CONNECT_SECONDS,
        application_name="till",
        options=f"-c statement_timeout={STATEMENT_MILLISECONDS}",
    )


class Pool:
    """A few sessions that threads lend: one that broke is thrown away, and a new one opened once instead."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._idle: list[Session] = []
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(MOST)

    @contextmanager
    def lend(self) -> Iterator[Session]:
        """Lend a session that answers; raises psycopg.OperationalError where the server does not, or all are lent."""
        if not self._free.acquire(timeout=LEND_SECONDS):
            raise psycopg.OperationalError("All sessions are busy.")
        try:
            session = self._take()
            try:
                yield session
            except psycopg.Error:
                # It may keep what made it fail: that its database only reads.
                session.close()
                raise
            finally:
                self._put(session)
        finally:
            self._free.release()

    def close(self) -> None:
        """Close what is idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for session in idle:
            session.close()

    def _take(self) -> Session:
        with self._lock:
            session = self._idle.pop() if self._idle else None
        if session is not None:
            try:
                session.execute("SELECT 1")
            except psycopg.Error:
                session.close()
            else:
                return session
        return connect(self._address)

    def _put(self, session: Session) -> None:
        is_whole = not session.closed and session.info.transaction_status == TransactionStatus.IDLE
        with self._lock:
            if is_whole and len(self._idle) < KEPT:
                self._idle.append(session)
                return
        session.close()
