"""Full text in French and English at once: what a search asks the database for, and the newest rows that fit.

The words of a row are its column `found_by`, which the database makes and no model has: rows are read without it,
history does not copy it (migration `core.0006`, ADR 0054).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection
from django.db.models import BooleanField
from django.db.models.expressions import RawSQL
from psycopg import sql
from psycopg.errors import QueryCanceled

from core.domain.search_terms import Term, read_terms
from core.errors import Refusal

#: Of the rows that fit, so many are ranked: the newest.
MOST_RANKED = 500
#: The newest rows are read first; where that many of them fit, the others are not looked for: a word that half of a
#: million rows have is found in a moment.
NEWEST, ENOUGH = 10_000, 200
#: A search that takes longer is ended: words that stand in every text, said in a row, are looked for in each of them.
MOST_SECONDS = 5


@dataclass(frozen=True)
class Source:
    """A table with words. `key` rises with time; `joins` may name the row `w`; `condition` is that of its index.

    `narrowed`: a FROM with the rows `w` of the newest of what they belong to that meet `{conditions}`, one after the
    other: the database may not turn it round.
    """

    table: str
    key: str
    joins: str
    narrowed: str
    condition: str = "true"


@dataclass(frozen=True)
class Found:
    """A row that fits, the more the higher its rank; `columns` are those that were asked for."""

    number: int
    rank: float
    columns: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Finding:
    """The newest rows that fit; `has_more`: there are others."""

    rows: Sequence[Found]
    has_more: bool = False


def compose_query(text: str) -> str:
    """Return a search as PostgreSQL's tsquery, empty where it asks for nothing that can be found: one query at most.

    An alternative of stop words alone, or of words that must not be there alone, is none.
    """
    alternatives = read_terms(text)
    terms = [term for alternative in alternatives for term in alternative]
    if not terms:
        return ""
    calls = [sql.SQL("core_begun({})" if term.is_begun else "core_term({})").format(term.text) for term in terms]
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT ARRAY[{}]::text[]").format(sql.SQL(", ").join(calls)))
        meant = dict(zip(terms, map(_take_once, cursor.fetchone()[0]), strict=True))
    return " | ".join(filter(None, (_join(alternative, meant) for alternative in alternatives)))


def _take_once(meant: str | None) -> str | None:
    """Return what a term means without what several readings say alike; no lexeme holds a space."""
    if meant is None or "(" in meant:
        return meant
    return " | ".join(dict.fromkeys(meant.split(" | ")))


def _join(terms: Sequence[Term], meant: Mapping[Term, str | None]) -> str:
    known = [term for term in terms if meant[term]]
    if all(term.is_excluded for term in known):
        return ""
    return "(" + " & ".join(f"{'!' if term.is_excluded else ''}({meant[term]})" for term in known) + ")"


def says(query: str, *, table: str) -> RawSQL:
    """Return the condition that a row of a table, read under its own name, has the words."""
    column = sql.Identifier(table, "found_by").as_string(None)
    return RawSQL(f"{column} @@ %s::tsquery", [query], output_field=BooleanField())  # noqa: S611  # a name of ours


_STATEMENT = sql.SQL(
    """
    WITH newest AS MATERIALIZED (
        {slice} AND w.{key} < COALESCE(%(before)s, 9223372036854775807)
            AND w.found_by @@ %(query)s::tsquery AND {condition}
        ORDER BY w.{key} DESC LIMIT %(limit)s
    ), every AS MATERIALIZED (
        SELECT w.{key} AS number FROM {table} w {whole_joins}
        WHERE (SELECT count(*) FROM newest) < %(enough)s
            AND w.{key} < COALESCE(%(before)s, 9223372036854775807)
            AND w.found_by @@ %(query)s::tsquery AND {condition} AND {whole_conditions}
    ), chosen AS (
        SELECT number FROM newest WHERE (SELECT count(*) FROM newest) >= %(enough)s
        UNION ALL (
            SELECT number FROM (SELECT number FROM every ORDER BY number DESC) AS sorted {fitting}
            ORDER BY number DESC LIMIT %(limit)s
        )
    )
    SELECT w.{key}, ts_rank(w.found_by, %(query)s::tsquery, 1), (SELECT count(*) FROM newest) >= %(enough)s{columns}
    FROM chosen JOIN {table} w ON w.{key} = chosen.number {joins}
    ORDER BY w.{key} DESC
    """
)
#: The newest rows of a table, with what they belong to where that is asked about.
_NEWEST = sql.SQL(
    """
    SELECT w.{key} AS number FROM {table} w {narrowing}
    WHERE w.{key} >= COALESCE(%(before)s, (SELECT max({key}) + 1 FROM {table})) - {newest} AND {conditions}
    """
)
#: Those of the newest that meet conditions which few meet.
_NARROWED = sql.SQL("SELECT w.{key} AS number FROM {narrowed} WHERE true")
#: Row by row from the newest on, until there are enough: never all rows of the joined tables.
_FITTING = sql.SQL(
    """
    CROSS JOIN LATERAL (
        SELECT 1 FROM {table} w {joins} WHERE w.{key} = sorted.number AND {conditions} LIMIT 1
    ) AS fitting
    """
)


def find_newest(
    source: Source,
    *,
    query: str,
    conditions: Sequence[str] = (),
    given: Mapping[str, Any] | None = None,
    columns: Sequence[str] = (),
    before: int | None = None,
    limit: int = MOST_RANKED,
    is_narrow: bool = False,
) -> Finding:
    """Return the newest rows that fit and meet conditions on the joined rows, at most `limit`: one query.

    `before`: only those with a lower key. `is_narrow`: few rows meet the conditions, so the database may begin with
    them; else it goes through what has the words, row by row, until there are enough. Conditions and columns are the
    caller's own SQL, values stand in `given`. Refuses what takes too long.
    """
    if not query:
        return Finding([])
    parts = {
        "table": sql.Identifier(source.table),
        "key": sql.Identifier(source.key),
        "joins": sql.SQL(source.joins),
        "conditions": sql.SQL(" AND ").join(map(sql.SQL, conditions or ["true"])),
    }
    narrowed = sql.SQL(source.narrowed).format(conditions=parts["conditions"])
    slice_of = (
        _NARROWED.format(key=parts["key"], narrowed=narrowed)
        if is_narrow
        else _NEWEST.format(**parts, narrowing=parts["joins"] if conditions else sql.SQL(""), newest=NEWEST)
    )
    statement = _STATEMENT.format(
        **parts,
        slice=slice_of,
        condition=sql.SQL(source.condition),
        whole_joins=parts["joins"] if is_narrow else sql.SQL(""),
        whole_conditions=parts["conditions"] if is_narrow else sql.SQL("true"),
        fitting=_FITTING.format(**parts) if conditions and not is_narrow else sql.SQL(""),
        columns=sql.SQL("".join(f", {column}" for column in columns)),
    )
    asked = {"query": query, "before": before, "limit": limit + 1, "enough": min(ENOUGH, limit + 1)}
    found = _read_in_time(statement, asked | dict(given or {}))
    rows = [Found(number, rank, tuple(rest)) for number, rank, _is_part, *rest in found]
    is_part = bool(found) and found[0][2]
    return Finding(rows[:limit], has_more=is_part or len(rows) > limit)


def _read_in_time(statement: sql.Composable, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return the rows of a statement; refuse where it takes too long. The bound travels with it: one query."""
    bounded = sql.SQL("SET LOCAL statement_timeout = {}; {}; SET LOCAL statement_timeout = DEFAULT").format(
        sql.Literal(MOST_SECONDS * 1000), statement
    )
    with connection.cursor() as cursor:
        try:
            cursor.execute(bounded, given)
        except OperationalError as fault:
            if isinstance(fault.__cause__, QueryCanceled):
                raise Refusal("search_too_wide", seconds=MOST_SECONDS) from fault
            raise
        cursor.nextset()
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
