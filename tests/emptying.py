"""After a test that committed: the database as a migrated one is, at a fraction of what Django's flush costs.

A TRUNCATE of every table makes a new file for each of them and of their hundreds of indexes, and after it
each content type and permission is looked for and made again. Deleting costs what there is to delete; what
every database holds is laid down again as it was remembered, instead of being installed once more.
"""

from functools import cache

from django.core.management import call_command
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.test import TransactionTestCase
from psycopg import sql

from core.owner import as_owner

#: What migrations themselves write, and no test changes.
KEPT = frozenset({"django_migrations", "django_content_type", "auth_permission"})
#: A table without a model.
CACHE = "core_cache"
#: Neither triggers nor references are asked: history refuses to be deleted, and rows refer to each other.
UNASKED = "SET session_replication_role = replica"
MAY_BE_UNASKED = "SELECT has_parameter_privilege('session_replication_role', 'SET')"

_laid_down: dict[str, bytes] = {}


def remember_database() -> None:
    """Keep the rows of a database that has just been migrated, as COPY writes them: a few hundred."""
    with as_owner("default") as owner, owner.cursor() as cursor:
        for table in _list_emptied():
            with cursor.copy(sql.SQL("COPY (TABLE {}) TO STDOUT").format(sql.Identifier(table))) as rows:
                if found := b"".join(rows):
                    _laid_down[table] = found


def empty_database(test: TransactionTestCase) -> None:
    """Empty all tables but the kept ones and lay down what was remembered; stands for `_fixture_teardown`."""
    with as_owner("default") as owner, owner.cursor() as cursor:
        cursor.execute(MAY_BE_UNASKED)
        if may := cursor.fetchone()[0]:
            cursor.execute(UNASKED)
            cursor.execute(_deletions())
            _lay_down(cursor)
    if not may:
        # A server that was given: only its superuser may let the owner pass its own triggers.
        call_command("flush", verbosity=0, interactive=False)


def _lay_down(cursor: CursorWrapper) -> None:
    for table, rows in _laid_down.items():
        with cursor.copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))) as into:
            into.write(rows)


@cache
def _list_emptied() -> list[str]:
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return sorted({*tables, CACHE} - KEPT)


@cache
def _deletions() -> sql.Composed:
    return sql.SQL("; ").join(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)) for name in _list_emptied())
