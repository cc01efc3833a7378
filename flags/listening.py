"""Waits for the database's word that a revision rose (LISTEN/NOTIFY, ADR 0005).

A connection of its own, outside Django's: it does nothing but listen. What it misses, because the
connection broke or a pooler swallows notifications, the poll of the revisions finds.
"""

import logging
from collections.abc import Callable
from typing import Any

import psycopg
from django.db import connection

log = logging.getLogger(__name__)

LISTEN = "LISTEN flags_revision"
DJANGOS_OWN = frozenset({"context", "cursor_factory", "prepare_threshold"})
CONNECT_SECONDS = 3


class RevisionListener:
    """Listens for raised revisions; made and used by one thread."""

    def __init__(self) -> None:
        self._connection: psycopg.Connection[Any] | None = None

    def wait(self, *, seconds: float, pause: Callable[[float], object]) -> None:
        """Return when a revision rose or the time is over.

        Without a connection the time passes in `pause`, which a stopping process can cut short.
        """
        try:
            if self._connection is None:
                self._connection = _connect()
            for _notification in self._connection.notifies(timeout=seconds, stop_after=1):
                pass
        except psycopg.Error as error:
            log.warning("not listening for changes, asking each second: %s", str(error).splitlines()[0])
            self.close()
            pause(seconds)

    def close(self) -> None:
        """Leave; the next wait connects anew."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _connect() -> "psycopg.Connection[Any]":
    parameters = connection.get_connection_params()
    # Django's own: how its cursors read values.
    wanted = {name: value for name, value in parameters.items() if name not in DJANGOS_OWN}
    found = psycopg.connect(**wanted | {"connect_timeout": CONNECT_SECONDS, "keepalives_idle": 5}, autocommit=True)
    found.execute(LISTEN)
    return found
