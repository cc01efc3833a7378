"""Sessions with the till's database: a few, kept open, and opened again where one was ended."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

Session = psycopg.Connection[tuple[Any, ...]]

VARIABLE = "DATABASE_URL"
CONNECT_SECONDS = 5
STATEMENT_MILLISECONDS = 10_000
KEPT = 4


def get_address() -> str:
    """Return the address of the database; raises ValueError where nobody said it."""
    address = os.environ.get(VARIABLE, "")
    if not address:
        raise ValueError(f"{VARIABLE} is not set: postgres://user:password@host:port/name")
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
    """Sessions that threads lend: one that broke is thrown away, and a new one opened once instead."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._idle: list[Session] = []
        self._lock = threading.Lock()

    @contextmanager
    def lend(self) -> Iterator[Session]:
        """Lend a session that answers; raises psycopg.OperationalError where the server does not."""
        session = self._take()
        try:
            yield session
        except BaseException:
            session.close()
            raise
        self._put(session)

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
        with self._lock:
            if not session.closed and len(self._idle) < KEPT:
                self._idle.append(session)
                return
        session.close()
