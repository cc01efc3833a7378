"""What a database holds that a restored one does not: counted exactly, then archived row by row.

Both sides are asked for sums over the columns that they have in common; only where a bucket of keys differs are
its rows read. Equal tables, which nearly all are, cost one pass of the server and no row on the wire.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, LiteralString

from psycopg import sql

from recovery.databases.figures import identify, list_tables, measure_table, row_text
from recovery.databases.sessions import Session
from recovery.domain.ranges import to_ranges

BUCKETS = 65_536
ROWS_AT_ONCE = 200_000
#: Keys sent to the server at once.
CHUNK = 5_000
_KEYS = (
    "SELECT array_agg(a.attname ORDER BY array_position(i.indkey::int2[], a.attnum)) FROM pg_index AS i"
    " JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)"
    " WHERE i.indisprimary AND i.indrelid = to_regclass(%s)"
)


@dataclass(frozen=True)
class TableLoss:
    """`added`: rows that are only in the live database; `changed`: other there; `removed`: only restored again."""

    table: str
    added: int
    changed: int
    removed: int


@dataclass(frozen=True)
class Losses:
    tables: list[TableLoss] = field(default_factory=list)
    #: First and last number of each stretch of receipts that are lost.
    receipts: list[tuple[int, int]] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Return how many rows of the live database would not be as they are."""
        return sum(one.added + one.changed + one.removed for one in self.tables)


@dataclass(frozen=True)
class LostRow:
    """`kind`: added, changed or removed; `row`: as the live database has it, None where it has it no more."""

    table: str
    kind: str
    key: str
    row: dict[str, Any] | None
    was: dict[str, Any] | None


def count_losses(live: Session, restored: Session, *, receipts: str = "") -> Losses:
    """Return what of the live database a swap would lose. `receipts`: `table.column` of the receipt numbers."""
    tables: list[TableLoss] = []
    numbers: list[int] = []
    where, _dot, column = receipts.rpartition(".")
    for table in _list_differing(live, restored):
        counts = Counter[str]()
        for chunk in _batched(_compare(live, restored, table)):
            counts.update(kind for _key, kind in chunk)
            if column in table.columns and table.name in {where, f"public.{where}"}:
                numbers += _read_numbers(live, table, column, [key for key, kind in chunk if kind == "added"])
        tables.append(TableLoss(table.name, counts["added"], counts["changed"], counts["removed"]))
    return Losses([one for one in tables if one.added or one.changed or one.removed], to_ranges(numbers))


def read_lost_rows(live: Session, restored: Session) -> Iterator[LostRow]:
    """Return each row that a swap would lose, as both sides have it."""
    for table in _list_differing(live, restored):
        for chunk in _batched(_compare(live, restored, table)):
            rows = _read_rows(live, table, [key for key, kind in chunk if kind != "removed"])
            were = _read_rows(restored, table, [key for key, kind in chunk if kind != "added"])
            for key, kind in chunk:
                yield LostRow(table.name, kind, key, rows.get(key), were.get(key))


@dataclass(frozen=True)
class _Table:
    """A table of the live database, and how it is compared. `key`: its columns, all of them where it has no key."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    is_restored: bool


def _list_differing(live: Session, restored: Session) -> Iterator[_Table]:
    """Return the tables of the live database whose rows the restored one does not have, or not so."""
    theirs = list_tables(restored)
    for name, own in list_tables(live).items():
        columns = tuple(column for column in own if name not in theirs or column in theirs[name])
        key = _find_key(live, name)
        table = _Table(name, columns, key if key and set(key) <= set(columns) else columns, name in theirs)
        ours = measure_table(live, table=name, columns=columns)
        if ours.rows if not table.is_restored else ours != measure_table(restored, table=name, columns=columns):
            yield table


def _find_key(session: Session, name: str) -> tuple[str, ...]:
    found = session.execute(_KEYS, [identify(name).as_string(session)]).fetchone()
    return tuple(found[0] or ()) if found else ()


def _compare(live: Session, restored: Session, table: _Table) -> Iterator[tuple[str, str]]:
    """Return (key's text, kind) of every row that is not the same on both sides, once for each copy of it."""
    ours = _sum_buckets(live, table)
    theirs = _sum_buckets(restored, table) if table.is_restored else {}
    differing = sorted(bucket for bucket in ours.keys() | theirs.keys() if ours.get(bucket) != theirs.get(bucket))
    for buckets in _chunk(differing, sizes={bucket: rows for bucket, (rows, _total) in (theirs | ours).items()}):
        rows = _read_buckets(live, table, buckets)
        others = _read_buckets(restored, table, buckets) if table.is_restored else {}
        for key in sorted(rows.keys() | others.keys()):
            (digest, count), (other, other_count) = rows.get(key, (0, 0)), others.get(key, (0, 0))
            if count and other_count and digest != other:
                yield key, "changed"
            yield from [(key, "added")] * (count - other_count)
            yield from [(key, "removed")] * (other_count - count)


def _chunk(buckets: list[int], *, sizes: dict[int, int]) -> Iterator[list[int]]:
    """Return buckets in groups that hold no more rows than fit into memory with ease."""
    chunk: list[int] = []
    rows = 0
    for bucket in buckets:
        if chunk and rows + sizes[bucket] > ROWS_AT_ONCE:
            yield chunk
            chunk, rows = [], 0
        chunk.append(bucket)
        rows += sizes[bucket]
    if chunk:
        yield chunk


def _fill(query: LiteralString, table: _Table, *, columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(query).format(
        key=row_text(table.key),
        row=row_text(columns),
        table=identify(table.name),
        bucket=sql.SQL("(hashtextextended({}, 0) & {})").format(row_text(table.key), sql.Literal(BUCKETS - 1)),
    )


def _sum_buckets(session: Session, table: _Table) -> dict[int, tuple[int, str]]:
    query: LiteralString = (
        "SELECT {bucket}, count(*), sum(hashtextextended({row}, 0)::numeric)::text FROM {table} AS t GROUP BY 1"
    )
    found = session.execute(_fill(query, table, columns=table.columns))
    return {bucket: (rows, total) for bucket, rows, total in found}


def _read_buckets(session: Session, table: _Table, buckets: list[int]) -> dict[str, tuple[int, int]]:
    """Return (a row's hash, how many there are) by the text of its key, of the rows in some buckets."""
    query: LiteralString = (
        "SELECT {key}, min(hashtextextended({row}, 0)), count(*) FROM {table} AS t WHERE {bucket} = ANY(%s) GROUP BY 1"
    )
    found = session.execute(_fill(query, table, columns=table.columns), [buckets])
    return {key: (digest, count) for key, digest, count in found}


def _read_rows(session: Session, table: _Table, keys: list[str]) -> dict[str, dict[str, Any]]:
    if not keys:
        return {}
    query: LiteralString = "SELECT {key}, to_jsonb(t) FROM {table} AS t WHERE {key} = ANY(%s)"
    return dict(session.execute(_fill(query, table, columns=table.columns), [keys]).fetchall())


def _read_numbers(session: Session, table: _Table, column: str, keys: list[str]) -> list[int]:
    if not keys:
        return []
    query: LiteralString = "SELECT {row_column} FROM {table} AS t WHERE {key} = ANY(%s)"
    filled = sql.SQL(query).format(
        row_column=sql.Identifier("t", column), table=identify(table.name), key=row_text(table.key)
    )
    return [int(number) for (number,) in session.execute(filled, [keys]) if number is not None]


def _batched(rows: Iterable[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """Return rows in lists of at most CHUNK."""
    source = iter(rows)
    while chunk := list(islice(source, CHUNK)):
        yield chunk
