"""Writes of samples: each counted once, stored by the day of its receipt, dropped with that day."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Min

from flags.models import Flag, Site
from health.domain.samples import MAX_AGE, MAX_AHEAD, SampleValue
from health.models import Sample, SampleBatch

#: First half of an advisory lock's key; the second is the source.
MIDNIGHT_LOCK = 7_140_132
#: Around midnight (UTC) samples of one source wait for each other: what the other stores on the other day
#: must be seen. Far longer than a transaction lasts and than clocks of web processes differ.
MIDNIGHT_SPAN = timedelta(minutes=10)
#: What began longer ago is refused, so the same sample is never taken again later.
REPEATED_WITHIN = MAX_AGE + MAX_AHEAD
DAYS_AHEAD = 3
ONE_DAY = timedelta(days=1)

# Arrays, not a row for each VALUES: the statement is the same whatever the number. The other days are
# looked through by a subquery for each sample, which can only go by the index, whatever statistics say.
_INSERT = """
INSERT INTO health_sample (id, source, client_id, environment_id, site_id, flag_id, till, release, transaction,
    received_at, start_at, ends_at, requests, errors, critical_errors, integrity_errors, latency)
SELECT %(first)s + one.nth, %(source)s, one.client_id, %(environment)s, one.site, one.flag, one.till, one.release,
    one.transaction, %(now)s, to_timestamp(one.start), to_timestamp(one.start + one.seconds),
    one.requests, one.errors, one.critical_errors, one.integrity_errors, one.latency
FROM unnest(%(client_id)s::text[], %(site)s::bigint[], %(flag)s::bigint[], %(till)s::text[], %(release)s::text[],
    %(transaction)s::text[], %(start)s::float8[], %(seconds)s::int[], %(requests)s::int[], %(errors)s::int[],
    %(critical_errors)s::int[], %(integrity_errors)s::int[], %(latency)s::text[]) WITH ORDINALITY
    AS one (client_id, site, flag, till, release, transaction, start, seconds, requests, errors, critical_errors,
            integrity_errors, latency, nth)
WHERE (
    SELECT true FROM health_sample AS other
    WHERE other.client_id COLLATE "C" = one.client_id AND other.source COLLATE "C" = %(source)s
      AND (other.received_at >= %(oldest)s AND other.received_at < %(midnight)s
           OR other.received_at >= %(next_midnight)s)
    LIMIT 1
) IS NULL
ON CONFLICT DO NOTHING
"""


def record_samples(*, source: str, environment_id: int, values: Sequence[SampleValue], now: datetime) -> int:
    """Store the samples that are new to their source; return how many. The same id twice counts once.

    Each `Sample.BATCH_SIZE` of them in a transaction of its own where none is open.
    """
    fresh = {value.client_id: value for value in reversed(values)}
    # In one order everywhere: two clients that repeat each other's samples wait, and do not deadlock.
    ordered = [fresh[client_id] for client_id in sorted(fresh)]
    size = Sample.BATCH_SIZE
    batches = (ordered[start : start + size] for start in range(0, len(ordered), size))
    return sum(_record_batch(batch, source=source, environment_id=environment_id, now=now) for batch in batches)


@transaction.atomic
def _record_batch(batch: Sequence[SampleValue], *, source: str, environment_id: int, now: datetime) -> int:
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    columns = _list_columns(batch)
    with connection.cursor() as cursor:
        cursor.execute("SELECT health_make_day(%s)", [midnight.date()])
        _wait_for_source(cursor, source=source, is_midnight=_is_near_midnight(now, midnight=midnight))
        batch_id = SampleBatch.objects.create(
            received_at=now, has_latency=any(value.latency is not None for value in batch)
        ).pk
        cursor.execute(
            _INSERT,
            {
                "first": batch_id * Sample.BATCH_SIZE - 1,
                "source": source,
                "environment": environment_id,
                "now": now,
                "oldest": now - REPEATED_WITHIN,
                "midnight": midnight,
                "next_midnight": midnight + ONE_DAY,
                **columns,
            },
        )
        return int(cursor.rowcount)


def _is_near_midnight(now: datetime, *, midnight: datetime) -> bool:
    return now - midnight < MIDNIGHT_SPAN or midnight + ONE_DAY - now < MIDNIGHT_SPAN


def _wait_for_source(cursor: CursorWrapper, *, source: str, is_midnight: bool) -> None:
    """Near midnight, let one transaction of a source in at a time; else only those out that are near it.

    A day's unique index says nothing of another day's, nor the look through the other days of what
    is not committed yet.
    """
    lock = "pg_advisory_xact_lock" if is_midnight else "pg_advisory_xact_lock_shared"
    cursor.execute(f"SELECT {lock}(%s, hashtext(%s))", [MIDNIGHT_LOCK, source])


def _list_columns(batch: Sequence[SampleValue]) -> dict[str, Any]:
    """Return the batch column by column, as PostgreSQL writes arrays, which is much the fastest."""
    sites = dict(Site.objects.filter(key__in={one.site_key for one in batch}).values_list("key", "pk"))
    flags: dict[str | None, int | None] = {None: None}
    flags.update(Flag.objects.filter(key__in={one.flag_key for one in batch if one.flag_key}).values_list("key", "pk"))
    return {
        "client_id": _write_texts([one.client_id for one in batch]),
        "site": _write_array(sites[one.site_key] for one in batch),
        "flag": _write_array(flags[one.flag_key] for one in batch),
        "till": _write_texts([one.till for one in batch]),
        "release": _write_texts([one.release for one in batch]),
        "transaction": _write_texts([one.transaction for one in batch]),
        "start": _write_array(one.start_at.timestamp() for one in batch),
        "seconds": _write_array(one.seconds for one in batch),
        "requests": _write_array(one.requests for one in batch),
        "errors": _write_array(one.errors for one in batch),
        "critical_errors": _write_array(one.critical_errors for one in batch),
        "integrity_errors": _write_array(one.integrity_errors for one in batch),
        "latency": _write_texts([_write_latency(one) for one in batch]),
    }


def _write_latency(value: SampleValue) -> str:
    if value.latency is None:
        return ""
    return msgspec.json.encode((value.latency["bounds"], value.latency["counts"])).decode()


def _write_array(numbers: Iterable[float | None]) -> str:
    return "{" + ",".join(["NULL" if number is None else repr(number) for number in numbers]) + "}"


def _write_texts(texts: Sequence[str]) -> str:
    """Return texts as PostgreSQL writes an array of them, quoted one and all; none has NUL in it."""
    joined = '","'.join(texts)
    # As a rule there is nothing to escape, and then these are all the quotes there are.
    if "\\" in joined or joined.count('"') != 2 * (len(texts) - 1):
        joined = '","'.join([text.replace("\\", "\\\\").replace('"', '\\"') for text in texts])
    return '{"' + joined + '"}'


@transaction.atomic
def make_days(*, today: date) -> None:
    """Make the partitions of today and of the next days, so that midnight waits for nothing."""
    with connection.cursor() as cursor:
        for ahead in range(DAYS_AHEAD + 1):
            cursor.execute("SELECT health_make_day(%s)", [today + ahead * ONE_DAY])


def forget_days(table: str, *, before: date) -> int:
    """Drop a table's days before a date, but none with samples that are still to be rolled up; return how many."""
    waiting = SampleBatch.objects.aggregate(oldest=Min("received_at"))["oldest"]
    if waiting is not None:
        before = min(before, waiting.astimezone(UTC).date())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT health_drop_days(%s, %s)", [table, before])
        return int(cursor.fetchone()[0])
