"""Waits for the database's word that something changed, such as that a revision rose (LISTEN/NOTIFY, ADR 0005).

A connection of its own, outside Django's: it does nothing but listen. What it misses, because the
connection broke or a pooler swallows notifications, the poll of the revisions finds.
"""

import logging
from collections.abc import Callable
from typing import Any

import psycopg
from django.db import connection
from psycopg import sql

log = logging.getLogger(__name__)

#: Notified by the trigger that raises a revision.
REVISIONS = "flags_revision"
DJANGOS_OWN = frozenset({"context", "cursor_factory", "prepare_threshold"})
CONNECT_SECONDS = 3


class Listener:
    """Listens on one channel, a name of ours; made and used by one thread."""

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self._connection: psycopg.Connection[Any] | None = None

    def wait(self, *, seconds: float, pause: Callable[[float], object]) -> None:
        """Return when something came or the time is over.

        Without a connection the time passes in `pause`, which a stopping process can cut short.
        """
        try:
            if self._connection is None:
                self._connection = _connect(self._channel)
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


def _connect(channel: str) -> "psycopg.Connection[Any]":
    parameters = connection.get_connection_params()
    # Django's own: how its cursors read values.
    wanted = {name: value for name, value in parameters.items() if name not in DJANGOS_OWN}
    found = psycopg.connect(**wanted | {"connect_timeout": CONNECT_SECONDS, "keepalives_idle": 5}, autocommit=True)
    found.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
    return found
