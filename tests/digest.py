"""What the database holds of our apps, as numbers that differ after any change."""

from django.apps import apps
from django.db import connection
from psycopg import sql

APPS = frozenset({"core", "flags", "rollouts", "health", "incidents", "notifications", "mfa", "account"})


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


def name_changes(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> list[str]:
    """Return the tables that differ."""
    return [name for name in before if before[name] != after[name]]
