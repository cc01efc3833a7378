"""Counts and sums of what a database holds, read within one snapshot."""

import re
from collections.abc import Sequence
from typing import LiteralString

from psycopg import sql

from recovery.databases.sessions import Session
from recovery.domain.manifest import Manifest, TableFigures

#: Where frameworks note the migrations that have run: table, and what orders and names them. By way of JSON, so that
#: a table of the same name with other columns is no error, which would end the transaction.
LEDGERS: tuple[tuple[str, LiteralString], ...] = (
    (
        "django_migrations",
        (
            "SELECT concat_ws('.', j ->> 'app', j ->> 'name') FROM"
            " (SELECT to_jsonb(m) AS j FROM public.django_migrations AS m) AS rows ORDER BY (j ->> 'id')::bigint"
        ),
    ),
    (
        "schema_migrations",
        (
            "SELECT concat_ws(' ', j ->> 'number', j ->> 'version', j ->> 'name') FROM"
            " (SELECT to_jsonb(m) AS j FROM public.schema_migrations AS m) AS rows ORDER BY 1"
        ),
    ),
    ("alembic_version", "SELECT to_jsonb(m) ->> 'version_num' FROM public.alembic_version AS m ORDER BY 1"),
)
_TABLES = (
    "SELECT n.nspname, c.relname, array_agg(a.attname ORDER BY a.attnum)"
    " FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    " WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
    " AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')"
    " GROUP BY 1, 2 ORDER BY 1, 2"
)
_UNLOGGED = (
    "SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " WHERE c.relkind = 'r' AND c.relpersistence = 'u'"
)
_SEQUENCES = "SELECT schemaname, sequencename, last_value FROM pg_sequences WHERE schemaname !~ '^pg_' ORDER BY 1, 2"
_QUOTED = re.compile(r'"(?P<schema>(?:[^"]|"")*)"\.')
_INVALID = "SELECT conrelid::regclass::text || '.' || conname FROM pg_constraint WHERE NOT convalidated ORDER BY 1"


def list_tables(session: Session) -> dict[str, tuple[str, ...]]:
    """Return the columns of every stored table, by `schema.name`; what extensions own is left out."""
    return {write_name(schema, name): tuple(columns) for schema, name, columns in session.execute(_TABLES)}


def list_unlogged(session: Session) -> set[str]:
    """Return the tables that a crash of the server empties: a dump has them all the same."""
    return {write_name(schema, name) for schema, name in session.execute(_UNLOGGED)}


def write_name(schema: str, name: str) -> str:
    """Return `schema.name`; a schema with a dot of its own is quoted, so that both are found again."""
    if "." in schema or schema.startswith('"'):
        schema = '"{}"'.format(schema.replace('"', '""'))
    return f"{schema}.{name}"


def identify(table: str) -> sql.Identifier:
    """Return a table's name as SQL writes it, from what `write_name` wrote."""
    quoted = _QUOTED.match(table)
    if quoted is not None:
        return sql.Identifier(quoted["schema"].replace('""', '"'), table[quoted.end() :])
    schema, _dot, name = table.partition(".")
    return sql.Identifier(schema, name)


def row_text(columns: Sequence[str]) -> sql.Composed:
    """Return the expression for a row's text: of these columns alone, in this order."""
    return sql.SQL("ROW({})::text").format(sql.SQL(", ").join(sql.Identifier("t", column) for column in columns))


def measure_table(session: Session, *, table: str, columns: Sequence[str]) -> TableFigures:
    """Return how many rows a table has and the sum of their hashes over the named columns."""
    query = sql.SQL("SELECT count(*), coalesce(sum(hashtextextended({row}, 0)), 0)::text FROM {table} AS t")
    found = session.execute(query.format(row=row_text(columns), table=identify(table))).fetchone()
    rows, total = found or (0, "0")
    return TableFigures(tuple(columns), rows, total)


def take_figures(session: Session) -> Manifest:
    """Return a database's manifest; the session's transaction decides of which moment."""
    tables = {
        name: measure_table(session, table=name, columns=columns) for name, columns in list_tables(session).items()
    }
    invalid = tuple(name for (name,) in session.execute(_INVALID))
    return Manifest(tables, read_sequences(session), find_migrations(session), invalid, session.info.server_version)


def read_sequences(session: Session) -> dict[str, int | None]:
    """Return the last number each sequence gave, None where it gave none yet."""
    return {write_name(schema, name): last for schema, name, last in session.execute(_SEQUENCES)}


def has_apps(session: Session) -> bool:
    """Tell whether migrations there belong to apps, as Django's do."""
    found = session.execute("SELECT to_regclass('public.django_migrations') IS NOT NULL").fetchone()
    return bool(found and found[0])


def find_migrations(session: Session) -> tuple[str, ...]:
    """Return the migrations that have run there, in order, empty where no ledger is known."""
    for table, query in LEDGERS:
        there = session.execute("SELECT to_regclass(%s)", [f"public.{table}"]).fetchone()
        if there and there[0]:
            return tuple(name for (name,) in session.execute(query))
    return ()
