"""What the database holds of our apps, as numbers that differ after any change."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.apps import apps
from django.db import connection
from psycopg import sql

APPS = frozenset(
    {"announcements", "core", "flags", "rollouts", "health", "incidents", "notices", "notifications", "mfa", "account"}
)


#: Statements that change no row.
READING = ("SELECT", "SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT", "SET CONSTRAINTS")

Answer = TypeVar("Answer")


def take_digest(*, but: frozenset[str] = frozenset()) -> dict[str, tuple[int, int]]:
    """Return, by table, how many rows there are and a sum over their contents; histories included, one query."""
    tables = sorted(
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label in APPS and model._meta.managed and model._meta.label not in but
    )
    one = "SELECT {name}, count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {table} t"
    parts = [sql.SQL(one).format(name=sql.Literal(name), table=sql.Identifier(name)) for name in tables]
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(" UNION ALL ").join(parts))
        return {name: (count, int(digest)) for name, count, digest in cursor.fetchall()}


class Watch:
    """The database's digest from one look to the next, taken anew only where a statement may have written."""

    def __init__(self) -> None:
        self._wrote = False
        self.before = self.after = take_digest()

    def look(self, act: Callable[[], Answer]) -> Answer:
        """Do something, then hold the digests of before and after it."""
        self.before, self._wrote = self.after, False
        with connection.execute_wrapper(self._note):
            answer = act()
        if self._wrote:
            self.after = take_digest()
        return answer

    def _note(self, execute: Callable[..., object], statement: object, *asked: Any) -> object:
        self._wrote |= not str(statement).lstrip().startswith(READING)
        return execute(statement, *asked)

    def name_changes(self) -> list[str]:
        """Return the tables that the last act changed."""
        return name_changes(self.before, self.after)


def name_changes(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> list[str]:
    """Return the tables that differ."""
    return [name for name in before if before[name] != after[name]]
