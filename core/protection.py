"""History that only grows: triggers for everybody, missing rights for the application's role.

`protect_history` runs after every migrate, so that no new table can be forgotten. A TRUNCATE
trigger would break the test suite's flush, which the owner does; the missing right refuses it to
the application.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import apps
from django.conf import settings
from django.db import models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from psycopg import sql
from simple_history.models import HistoricalChanges

from core.errors import Refusal

#: Tables the application's role may read but not write: chain and revisions grow through functions of the owner.
READ_ONLY_TABLES = frozenset(
    {
        "core_auditentry",
        "core_auditlink",
        "django_migrations",
        "flags_environmentrevision",
        "flags_pendingchange",
        "flags_pendingstate",
        "flags_staterevision",
    }
)
#: Functions that the application's role calls itself, or that its writes are checked or indexed by; triggers call all
#: others, which asks for no right.
CALLED_FUNCTIONS = frozenset(
    {
        *("core_begun", "core_fold", "core_letters", "core_marked", "core_term", "core_words"),
        *("core_seal_history", "flags_split_total", "health_drop_days", "health_make_day", "incidents_list_gaps"),
    }
)
#: Further tables that only grow; models say so themselves with `append_only = True`.
APPEND_ONLY_TABLES: set[str] = set()

REFUSE_TRIGGER = "core_append_only"
ENTER_TRIGGER = "core_enter_chain"
_MARKER = "to_regproc('core_enter_history') IS NOT NULL AND to_regproc('core_refuse_history_change') IS NOT NULL"


@dataclass(frozen=True)
class HistoryTable:
    """A table of history rows and its primary key's column."""

    name: str
    key_column: str


def is_history(model: type[models.Model]) -> bool:
    """Tell whether a model holds history: of rows, or of a many-to-many field of theirs."""
    names = {field.name for field in model._meta.local_fields}
    return "m2m_history_id" in names or (issubclass(model, HistoricalChanges) and "history_id" in names)


def list_history_tables() -> list[HistoryTable]:
    """Return every history table of the installed apps, by name."""
    found = [model._meta for model in apps.get_models(include_auto_created=True) if is_history(model)]
    return sorted((HistoryTable(meta.db_table, str(meta.pk.column)) for meta in found), key=lambda table: table.name)


def list_append_only_tables() -> list[str]:
    """Return the names of all tables that only grow, history and event tables alike."""
    events = {model._meta.db_table for model in apps.get_models() if getattr(model, "append_only", False)}
    return sorted(events | APPEND_ONLY_TABLES | {table.name for table in list_history_tables()})


def protect_history(connection: BaseDatabaseWrapper) -> None:
    """Install triggers and grants on the tables that exist; safe to repeat. Needs the owner's rights."""
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(f"SELECT {_MARKER}, current_user")
        is_migrated, owner = cursor.fetchone()
        if not is_migrated:
            return
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        existing = {name for (name,) in cursor.fetchall()}
        for statement in _triggers(existing):
            _run(cursor, statement)
        app_role = settings.DATABASES["default"]["USER"]
        if app_role != owner:
            _check_role(cursor, app_role)
            for statement in _grants(existing, app_role=app_role):
                _run(cursor, statement)
        for statement in _closings(cursor, app_role=app_role):
            _run(cursor, statement)


def _run(cursor: CursorWrapper, statement: sql.Composed) -> None:
    cursor.execute(statement.as_string(cursor.connection))


def _check_role(cursor: CursorWrapper, app_role: str) -> None:
    cursor.execute("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", [app_role])
    if not cursor.fetchone()[0]:
        raise Refusal("database_role_missing", role=app_role)


def _triggers(existing: set[str]) -> Iterator[sql.Composed]:
    for name in [*list_append_only_tables(), "core_auditlink"]:
        if name in existing:
            yield sql.SQL(
                "CREATE OR REPLACE TRIGGER {trigger} BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION core_refuse_history_change()"
            ).format(trigger=sql.Identifier(REFUSE_TRIGGER), table=sql.Identifier(name))
    for table in list_history_tables():
        if table.name in existing:
            yield sql.SQL(
                "CREATE OR REPLACE TRIGGER {trigger} AFTER INSERT ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION core_enter_history({key})"
            ).format(
                trigger=sql.Identifier(ENTER_TRIGGER),
                table=sql.Identifier(table.name),
                key=sql.Literal(table.key_column),
            )


def _grants(existing: set[str], *, app_role: str) -> Iterator[sql.Composed]:
    role = sql.Identifier(app_role)
    append_only = set(list_append_only_tables())
    yield sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(role)
    for name in sorted(existing):
        table = sql.Identifier(name)
        if name in READ_ONLY_TABLES:
            rights = "SELECT"
        elif name in append_only:
            rights = "SELECT, INSERT"
        else:
            rights = "SELECT, INSERT, UPDATE, DELETE"
        yield sql.SQL("REVOKE ALL ON {} FROM {}").format(table, role)
        yield sql.SQL("GRANT " + rights + " ON {} TO {}").format(table, role)


def _closings(cursor: CursorWrapper, *, app_role: str) -> Iterator[sql.Composed]:
    """Take from PUBLIC what PostgreSQL gives to everybody: calling our functions, making temporary tables.

    Where the owner does not own the database, PostgreSQL keeps the second and warns.
    """
    database = sql.Identifier(str(cursor.connection.info.dbname))
    yield sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(database)
    cursor.execute(
        "SELECT p.proname, p.oid::regprocedure::text FROM pg_proc AS p"
        " WHERE p.pronamespace = current_schema()::regnamespace AND p.proowner = current_user::regrole"
        " AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e') ORDER BY 2"
    )
    for name, signature in cursor.fetchall():
        # A regprocedure's text is quoted where it must be.
        function = sql.SQL(signature)
        yield sql.SQL("REVOKE ALL ON FUNCTION {} FROM PUBLIC").format(function)
        if name in CALLED_FUNCTIONS:
            yield sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(function, sql.Identifier(app_role))
