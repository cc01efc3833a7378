"""The hash chain over history: an edit, a deletion or an insertion behind the portal's back shows.

The database enters each history row's payload (core_auditentry) and seals it (core_auditlink), in
functions of its owner: migrations core.0002 and core.0003. Here the links are asked for and checked.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import F, Func, TextField
from psycopg import sql

from core.models import AuditLink
from core.protection import HistoryTable, list_history_tables

GENESIS = "0" * 64
SEAL_AT_MOST = 5_000
_CHUNK = 2_000
# As text, in the form that the hash covers: a time that no client can read must not end the check.
_SEALED = Func(
    F("sealed_at"),
    template=(
        "CASE WHEN %(expressions)s >= '0001-01-01Z' AND %(expressions)s < '10000-01-01Z'"
        """ THEN to_char(%(expressions)s, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') END"""
    ),
    output_field=TextField(),
)


@dataclass(frozen=True)
class Fault:
    """The first thing that does not hold: a stable code and where."""

    code: str
    seq: int | None = None
    table_name: str = ""
    history_id: int | None = None


@dataclass(frozen=True)
class Link:
    """A stored link, whatever it holds; `sealed` is UTC, None where it is no moment of the calendar."""

    seq: int
    table_name: str
    history_id: int
    sealed: str | None
    payload: str
    previous_hash: str
    hash: str


@dataclass(frozen=True)
class Verification:
    """`head` is the last link's hash, GENESIS of an empty chain; `waiting` rows are not sealed yet."""

    fault: Fault | None
    links: int
    waiting: int
    head: str


@transaction.atomic
def seal_history(*, now: datetime) -> int:
    """Seal what waits, oldest first; returns how many rows, at most SEAL_AT_MOST.

    The database refuses a `now` more than an hour off its own clock (DataError): the rows wait.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT core_seal_history(%s, %s)", [now, SEAL_AT_MOST])
        return int(cursor.fetchone()[0])


def find_head() -> AuditLink | None:
    """Return the chain's last link, None of an empty chain."""
    return AuditLink.objects.only("seq", "hash").order_by("seq").last()


def list_links() -> Iterator[Link]:
    """Return every link in order; within a transaction whose time zone is UTC."""
    fields = ("seq", "table_name", "history_id", "sealed", "payload", "previous_hash", "hash")
    rows = AuditLink.objects.annotate(sealed=_SEALED).order_by("seq").values_list(*fields)
    for row in rows.iterator(chunk_size=_CHUNK):
        yield Link(*row)


def hash_link(link: Link) -> str:
    """Return the SHA-256, hex, that a link must carry: over the link before it and its own content."""
    parts = (link.previous_hash, link.seq, link.table_name, link.history_id, link.sealed, link.payload)
    return hashlib.sha256("\n".join(str(part) for part in parts).encode()).hexdigest()


def verify_history(*, expected_head: str = "") -> Verification:
    """Check every link, every sealed or waiting row against the live one, and that no row is missing.

    `expected_head` is a hash noted earlier: a chain that was cut or made anew does not hold it.
    """
    is_inside = connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        # One snapshot for all the queries, so that rows written meanwhile do not look like strangers.
        if not is_inside:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SET LOCAL timezone = 'UTC'")
        fault, links, head = _check_chain()
        fault = fault or _check_rows(cursor)
        if fault is None and not _has_link(expected_head or GENESIS):
            fault = Fault("head_unknown")
        cursor.execute("SELECT count(*) FROM core_auditentry")
        waiting = int(cursor.fetchone()[0])
    return Verification(fault=fault, links=links, waiting=waiting, head=head)


def _has_link(head: str) -> bool:
    return head == GENESIS or AuditLink.objects.filter(hash=head).exists()


def _check_chain() -> tuple[Fault | None, int, str]:
    head, seq = GENESIS, 0
    for link in list_links():
        if link.seq != seq + 1:
            return Fault("link_missing", seq=seq + 1), seq, head
        if link.sealed is None:
            return Fault("seal_undated", link.seq, link.table_name, link.history_id), seq, head
        if link.previous_hash != head or link.hash != hash_link(link):
            return Fault("link_broken", link.seq, link.table_name, link.history_id), seq, head
        head, seq = link.hash, link.seq
    return None, seq, head


def _check_rows(cursor: CursorWrapper) -> Fault | None:
    faults: list[Fault] = []
    for table in list_history_tables():
        faults += [fault for fault in (_first_difference(cursor, table), _first_stranger(cursor, table)) if fault]
    return min(faults, key=lambda fault: (fault.seq is None, fault.seq or 0, fault.table_name), default=None)


def _first_difference(cursor: CursorWrapper, table: HistoryTable) -> Fault | None:
    """Return the table's first stored row that the live table holds otherwise or not at all."""
    query = sql.SQL(
        "SELECT stored.seq, stored.history_id, stored.payload, to_jsonb(live)::text FROM ("
        " SELECT seq, table_name, history_id, payload FROM core_auditlink"
        " UNION ALL SELECT NULL, table_name, history_id, payload FROM core_auditentry"
        ") AS stored LEFT JOIN {table} AS live ON live.{key} = stored.history_id"
        " WHERE stored.table_name = {name} AND to_jsonb(live)::text IS DISTINCT FROM stored.payload"
        " ORDER BY stored.seq NULLS LAST, stored.history_id"
    ).format(table=sql.Identifier(table.name), key=sql.Identifier(table.key_column), name=sql.Literal(table.name))
    for seq, history_id, stored, live in _rows(cursor, query):
        if live is None:
            return Fault("row_deleted", seq=seq, table_name=table.name, history_id=history_id)
        if _differs(stored=_read(stored), live=_read(live)):
            return Fault("row_changed", seq=seq, table_name=table.name, history_id=history_id)
    return None


def _read(payload: str) -> dict[str, Any] | None:
    """Return the columns of a payload, None where it is none: the trigger writes nothing of the kind."""
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        # Also a number of more digits than Python reads.
        return None
    return found if isinstance(found, dict) else None


def _differs(*, stored: dict[str, Any] | None, live: dict[str, Any] | None) -> bool:
    """Compare the columns known to both: a migration may have added or dropped some since."""
    if stored is None or live is None:
        return True
    return any(stored[name] != live[name] for name in stored.keys() & live.keys())


def _first_stranger(cursor: CursorWrapper, table: HistoryTable) -> Fault | None:
    """Return the table's first live row that was never entered: written with the trigger off."""
    query = sql.SQL(
        "SELECT live.{key} FROM {table} AS live"
        " WHERE NOT EXISTS (SELECT FROM core_auditlink AS l WHERE l.table_name = {name} AND l.history_id = live.{key})"
        " AND NOT EXISTS (SELECT FROM core_auditentry AS e WHERE e.table_name = {name} AND e.history_id = live.{key})"
        " ORDER BY 1 LIMIT 1"
    ).format(table=sql.Identifier(table.name), key=sql.Identifier(table.key_column), name=sql.Literal(table.name))
    for (history_id,) in _rows(cursor, query):
        return Fault("row_never_entered", table_name=table.name, history_id=history_id)
    return None


def _rows(cursor: CursorWrapper, query: sql.Composed) -> Iterator[tuple[Any, ...]]:
    cursor.execute(query.as_string(cursor.connection))
    while found := cursor.fetchmany(_CHUNK):
        yield from found
