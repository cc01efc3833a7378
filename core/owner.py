"""The database's owner: migrations and flushes run under it, the application never does."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

_CREDENTIALS = ("USER", "PASSWORD", "HOST", "PORT")


@contextmanager
def as_owner(alias: str) -> Iterator[BaseDatabaseWrapper]:
    """Let this thread's connection speak as the owner within the block, as before after it.

    Only the credentials change: NAME stays, since a test run points it at its own database.
    Without `DATABASE_OWNER` the connection stays as it is.
    """
    connection = connections[alias]
    owner = settings.DATABASE_OWNER
    if owner is None:
        yield connection
        return
    before = connection.settings_dict
    connection.close()
    # A copy: the dict itself is shared with the connections of every other thread.
    connection.settings_dict = before | {key: owner[key] for key in _CREDENTIALS}
    try:
        yield connection
    finally:
        connection.close()
        connection.settings_dict = before
