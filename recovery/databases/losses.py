"""What a database holds that a restored one does not: counted exactly, then archived row by row.

Both sides are asked for sums over the columns that they have in common; only where a bucket of keys differs are
its rows read. Equal tables, which nearly all are, cost one pass of the server and no row on the wire; a table that
only the live database has, which a migration may have filled with millions of rows, costs one pass that reads it.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from itertools import islice
from math import isfinite
from typing import Any, LiteralString, TypeVar

from psycopg import sql

from recovery.databases.figures import identify, list_tables, row_text
from recovery.databases.sessions import Session
from recovery.domain.ranges import to_ranges

_Answer = TypeVar("_Answer")

BUCKETS = 65_536
ROWS_AT_ONCE = 200_000
#: Keys sent to the server at once, each time for one pass over the table; rows streamed from it at once.
CHUNK, STREAMED = 50_000, 1_000
#: Longer whole numbers are archived as text: Python reads no more digits of a number.
MOST_DIGITS = 4_000
#: Numbers that are looked at one by one: fractions, powers and what has very many digits. Millions of rows have none.
_DELICATE = re.compile(r"[0-9][.eE]|[0-9]{100}")
#: How large objects are called among the tables.
LARGE_OBJECTS = "large objects"
_KEYS = (
    "SELECT array_agg(a.attname ORDER BY array_position(i.indkey::int2[], a.attnum)) FROM pg_index AS i"
    " JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)"
    " WHERE i.indisprimary AND i.indrelid = to_regclass(%s)"
)
#: Number, size, and the sum of the hashes of its content by pieces of a megabyte; both None where it is not the role's
#: to read. 262144: opened to be read; 2: from its end.
_OBJECTS = (
    "WITH known AS MATERIALIZED ("
    " SELECT oid, CASE WHEN pg_has_role(lomowner, 'USAGE')"
    " THEN lo_lseek64(lo_open(oid, 262144), 0, 2) END AS size FROM pg_largeobject_metadata)"
    " SELECT oid::bigint, size, (SELECT sum(hashtextextended(at || lo_get(oid, at, 1048576)::text, 0))::text"
    " FROM generate_series(0, size - 1, 1048576) AS at) FROM known"
)
#: Size in bytes and sum of hashes.
_LargeObject = tuple[int | None, str | None]


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
    tally = Tally(receipts)
    for row in read_lost_rows(live, restored, needs_content=tally.counts_receipts_of):
        tally.add(row)
    return tally.losses


class Tally:
    """Counts lost rows as they are read, and gathers the receipt numbers that go with them."""

    def __init__(self, receipts: str) -> None:
        table, _dot, self._column = receipts.rpartition(".")
        self._table = table if "." in table or not table else f"public.{table}"
        self._counts: dict[str, Counter[str]] = {}
        self._numbers: list[int] = []

    def counts_receipts_of(self, table: str) -> bool:
        """Tell whether it must see what stands in a table's rows, beside how many there are."""
        return table == self._table

    def add(self, row: LostRow) -> None:
        """Take one more row in."""
        self._counts.setdefault(row.table, Counter())[row.kind] += 1
        is_receipt = row.kind == "added" and self.counts_receipts_of(row.table)
        number = (row.row or {}).get(self._column) if is_receipt else None
        if isinstance(number, int):
            self._numbers.append(number)

    @property
    def losses(self) -> Losses:
        """Return what was counted, by table."""
        found = sorted(self._counts.items())
        tables = [TableLoss(name, kinds["added"], kinds["changed"], kinds["removed"]) for name, kinds in found]
        return Losses(tables, to_ranges(self._numbers))


def _always(_table: str) -> bool:
    return True


def read_lost_rows(
    live: Session, restored: Session, *, needs_content: Callable[[str], bool] = _always
) -> Iterator[LostRow]:
    """Return each row that a swap would lose, as both sides have it; the two sides are asked beside each other.

    What stands in the rows is left out for the tables whose content is not needed.
    """
    with ThreadPoolExecutor(max_workers=2) as pool:
        sides = _Sides(live, restored, pool)
        for table in _list_tables(sides):
            if table.is_restored:
                yield from _read_compared(sides, table, has_content=needs_content(table.name))
            else:
                yield from _read_new(live, table, has_content=needs_content(table.name))
        yield from _compare_objects(sides)


@dataclass(frozen=True)
class _Table:
    """A table of the live database, and how it is compared. `key`: its columns, all of them where it has no key."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    is_restored: bool


@dataclass(frozen=True)
class _Sides:
    """Both databases, and threads to ask them at once: each has its own session."""

    live: Session
    restored: Session
    pool: ThreadPoolExecutor

    def ask(self, question: Callable[[Session], _Answer]) -> tuple[_Answer, _Answer]:
        """Return what the live database answers, and the restored one."""
        other = self.pool.submit(question, self.restored)
        return question(self.live), other.result()


def _list_tables(sides: _Sides) -> Iterator[_Table]:
    """Return the tables of the live database, and how each is compared."""
    theirs = list_tables(sides.restored)
    for name, own in list_tables(sides.live).items():
        columns = tuple(column for column in own if name not in theirs or column in theirs[name])
        key = _find_key(sides.live, name)
        yield _Table(name, columns, key if key and set(key) <= set(columns) else columns, name in theirs)


def _find_key(session: Session, name: str) -> tuple[str, ...]:
    found = session.execute(_KEYS, [identify(name).as_string(session)]).fetchone()
    return tuple(found[0] or ()) if found else ()


def _compare(sides: _Sides, table: _Table) -> Iterator[tuple[str, str]]:
    """Return (key's text, kind) of every row that is not the same on both sides, once for each copy of it.

    Each side reads its table once for the sums of its buckets, and once more only where some of them differ.
    """
    ours, theirs = sides.ask(partial(_sum_buckets, table=table))
    differing = sorted(bucket for bucket in ours.keys() | theirs.keys() if ours.get(bucket) != theirs.get(bucket))
    for buckets in _chunk(differing, sizes={bucket: rows for bucket, (rows, _total) in (theirs | ours).items()}):
        rows, others = sides.ask(partial(_read_buckets, table=table, buckets=buckets))
        for key in sorted(rows.keys() | others.keys()):
            (digest, count), (other, other_count) = rows.get(key, (0, 0)), others.get(key, (0, 0))
            if count and other_count and digest != other:
                yield key, "changed"
            yield from [(key, "added")] * (count - other_count)
            yield from [(key, "removed")] * (other_count - count)


def _read_compared(sides: _Sides, table: _Table, *, has_content: bool) -> Iterator[LostRow]:
    for chunk in _batched(_compare(sides, table)):
        rows = _read_rows(sides.live, table, [key for key, kind in chunk if has_content and kind != "removed"])
        were = _read_rows(sides.restored, table, [key for key, kind in chunk if has_content and kind != "added"])
        for key, kind in chunk:
            yield LostRow(table.name, kind, key, rows.get(key), were.get(key))


def _read_new(live: Session, table: _Table, *, has_content: bool) -> Iterator[LostRow]:
    """Return every row of a table that only the live database has, in one pass and never all in memory."""
    with_content: LiteralString = "SELECT {key}, to_jsonb(t)::text FROM {table} AS t"
    without: LiteralString = "SELECT {key}, NULL FROM {table} AS t"
    query = _fill(with_content if has_content else without, table, columns=table.columns)
    with live.cursor() as cursor:
        for key, row in cursor.stream(query, size=STREAMED):
            yield LostRow(table.name, "added", key, None if row is None else _parse(row), None)


def _compare_objects(sides: _Sides) -> Iterator[LostRow]:
    """Return the large objects that are not the same on both sides: by number and size, without their content."""
    ours, theirs = sides.ask(_read_objects)
    for key in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(key), theirs.get(key)
        if one != other:
            kind = "added" if other is None else "removed" if one is None else "changed"
            yield LostRow(LARGE_OBJECTS, kind, str(key), _describe_object(key, one), _describe_object(key, other))


def _read_objects(session: Session) -> dict[int, _LargeObject]:
    return {number: (size, total) for number, size, total in session.execute(_OBJECTS)}


def _describe_object(number: int, found: _LargeObject | None) -> dict[str, Any] | None:
    return None if found is None else {"oid": number, "size_bytes": found[0]}


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


def _fill(
    query: LiteralString, table: _Table, *, columns: Sequence[str], wanted: Sequence[int] | Sequence[str] = ()
) -> sql.Composed:
    """Return a query with every value written into it: beside parameters, a % in a column's name would be one."""
    return sql.SQL(query).format(
        key=row_text(table.key),
        row=row_text(columns),
        table=identify(table.name),
        wanted=sql.Literal(list(wanted)),
        bucket=sql.SQL("(hashtextextended({}, 0) & {})").format(row_text(table.key), sql.Literal(BUCKETS - 1)),
    )


def _sum_buckets(session: Session, table: _Table) -> dict[int, tuple[int, str]]:
    query: LiteralString = (
        "SELECT {bucket}, count(*), sum(hashtextextended({row}, 0))::text FROM {table} AS t GROUP BY 1"
    )
    found = session.execute(_fill(query, table, columns=table.columns))
    return {bucket: (rows, total) for bucket, rows, total in found}


def _read_buckets(session: Session, table: _Table, buckets: list[int]) -> dict[str, tuple[int, int]]:
    """Return (a row's hash, how many there are) by the text of its key, of the rows in some buckets."""
    query: LiteralString = (
        "SELECT {key}, min(hashtextextended({row}, 0)), count(*) FROM {table} AS t"
        " WHERE {bucket} = ANY({wanted}) GROUP BY 1"
    )
    found = session.execute(_fill(query, table, columns=table.columns, wanted=buckets))
    return {key: (digest, count) for key, digest, count in found}


def _read_rows(session: Session, table: _Table, keys: list[str]) -> dict[str, dict[str, Any]]:
    if not keys:
        return {}
    query: LiteralString = (
        "SELECT {key}, to_jsonb(t)::text FROM {table} AS t"
        " JOIN unnest({wanted}::text[]) AS wanted (key) ON wanted.key = {key}"
    )
    found = session.execute(_fill(query, table, columns=table.columns, wanted=keys))
    return {key: _parse(row) for key, row in found}


def _parse(row: str) -> dict[str, Any]:
    delicate: dict[str, Any] = {"parse_float": _read_number, "parse_int": _read_whole} if _DELICATE.search(row) else {}
    read: dict[str, Any] = json.loads(row, **delicate)
    return read


def _read_number(text: str) -> float | str:
    """Return a number as a double where that is the same number, else its text: what is archived is exact."""
    number = float(text)
    return number if isfinite(number) and Decimal(repr(number)) == Decimal(text) else text


def _read_whole(text: str) -> int | str:
    return int(text) if len(text) <= MOST_DIGITS else text


def _batched(rows: Iterable[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """Return rows in lists of at most CHUNK."""
    source = iter(rows)
    while chunk := list(islice(source, CHUNK)):
        yield chunk
