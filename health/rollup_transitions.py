"""Sums samples up, each exactly once: what was rolled up leaves the queue in the transaction that added it.

A batch is in the queue from the commit of its samples on, so one that commits late is found late, and none
twice. One roll-up works at a time; the others let it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import add
from typing import Any

import msgspec
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from health.domain.histogram import Histogram, merge, spread
from health.models import Sample, SampleBatch

#: First half of an advisory lock's key; the second is what is rolled up.
ROLL_UP_LOCK = 7_140_133
COUNTS, LATENCY = 1, 2
#: Batches in one transaction: a backlog is worked off in pieces, whose samples fit into memory.
BATCHES = 200

#: The samples of the batches at hand; the bounds are for the index, the list for what commits late.
_AT_HAND = """
received_at BETWEEN %(since)s AND %(until)s AND id BETWEEN %(first)s AND %(last)s AND id / %(size)s = ANY(%(batches)s)
"""
_ADD_TILLS = f"""
INSERT INTO health_tillminute AS known (environment_id, flag_id, site_id, till, minute, requests, errors,
    critical_errors, integrity_errors, first_start_at, last_ends_at, last_received_at)
SELECT environment_id, flag_id, site_id, till, date_trunc('minute', received_at), sum(requests), sum(errors),
    sum(critical_errors), sum(integrity_errors), min(start_at), max(ends_at), max(received_at)
FROM health_sample WHERE {_AT_HAND}
GROUP BY environment_id, flag_id, site_id, till, date_trunc('minute', received_at)
ON CONFLICT (environment_id, minute, site_id, flag_id, till) DO UPDATE SET
    requests = known.requests + excluded.requests,
    errors = known.errors + excluded.errors,
    critical_errors = known.critical_errors + excluded.critical_errors,
    integrity_errors = known.integrity_errors + excluded.integrity_errors,
    first_start_at = least(known.first_start_at, excluded.first_start_at),
    last_ends_at = greatest(known.last_ends_at, excluded.last_ends_at),
    last_received_at = greatest(known.last_received_at, excluded.last_received_at)
"""  # noqa: S608  # our own text
# A site's minute is always the sum of its tills' as they now are, so that a till's that grows counts once.
_SUM_SITES = f"""
INSERT INTO health_siteminute (environment_id, flag_id, site_id, minute, requests, errors, critical_errors,
    integrity_errors, spread_requests, spread_errors, first_start_at, last_ends_at, last_received_at)
SELECT environment_id, flag_id, site_id, minute, sum(requests), sum(errors), sum(critical_errors),
    sum(integrity_errors), sum(CASE WHEN errors = 0 THEN requests ELSE (requests - errors) / (errors + 1.0) END),
    count(*) FILTER (WHERE errors > 0), min(first_start_at), max(last_ends_at), max(last_received_at)
FROM health_tillminute
WHERE minute BETWEEN date_trunc('minute', %(since)s) AND %(until)s AND (environment_id, minute, site_id) IN (
    SELECT DISTINCT environment_id, date_trunc('minute', received_at), site_id FROM health_sample WHERE {_AT_HAND}
)
GROUP BY environment_id, flag_id, site_id, minute
ON CONFLICT (environment_id, flag_id, minute, site_id) DO UPDATE SET
    requests = excluded.requests,
    errors = excluded.errors,
    critical_errors = excluded.critical_errors,
    integrity_errors = excluded.integrity_errors,
    spread_requests = excluded.spread_requests,
    spread_errors = excluded.spread_errors,
    first_start_at = excluded.first_start_at,
    last_ends_at = excluded.last_ends_at,
    last_received_at = excluded.last_received_at
"""  # noqa: S608  # our own text
# And a flag's that of its sites: whoever judges a flag reads one row, however many these are.
_SUM_FLAGS = f"""
INSERT INTO health_flagminute (environment_id, flag_id, minute, requests, errors, critical_errors, integrity_errors,
    spread_requests, spread_errors, first_start_at, last_ends_at, last_received_at)
SELECT touched.environment_id, touched.flag_id, touched.minute, sums.*
FROM (
    SELECT DISTINCT environment_id, flag_id, date_trunc('minute', received_at) AS minute
    FROM health_sample WHERE {_AT_HAND} AND flag_id IS NOT NULL
) AS touched CROSS JOIN LATERAL (
    SELECT sum(requests), sum(errors), sum(critical_errors), sum(integrity_errors), sum(spread_requests),
        sum(spread_errors), min(first_start_at), max(last_ends_at), max(last_received_at)
    FROM health_siteminute
    WHERE environment_id = touched.environment_id AND flag_id = touched.flag_id AND minute = touched.minute
      AND minute BETWEEN date_trunc('minute', %(since)s) AND %(until)s
) AS sums
ON CONFLICT (environment_id, flag_id, minute) DO UPDATE SET
    requests = excluded.requests,
    errors = excluded.errors,
    critical_errors = excluded.critical_errors,
    integrity_errors = excluded.integrity_errors,
    spread_requests = excluded.spread_requests,
    spread_errors = excluded.spread_errors,
    first_start_at = excluded.first_start_at,
    last_ends_at = excluded.last_ends_at,
    last_received_at = excluded.last_received_at
"""  # noqa: S608  # our own text
_READ_LATENCY = f"""
SELECT environment_id, flag_id, site_id, transaction, date_trunc('minute', received_at), latency
FROM health_sample WHERE {_AT_HAND} AND latency <> ''
"""  # noqa: S608  # our own text
# Equal is what an index finds; a flag that is none is equal to nothing.
_FIND_LATENCY = """
SELECT one.*, known.bins, known.counts FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[],
    %s::timestamptz[]) AS one (environment, flag, site, name, time)
JOIN {table} AS known ON known.environment_id = one.environment AND known.flag_id = one.flag
    AND known.{time} = one.time AND known.site_id = one.site AND known.transaction = one.name
UNION ALL
SELECT one.*, known.bins, known.counts FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[],
    %s::timestamptz[]) AS one (environment, flag, site, name, time)
JOIN {table} AS known ON known.environment_id = one.environment AND known.flag_id IS NULL AND one.flag IS NULL
    AND known.{time} = one.time AND known.site_id = one.site AND known.transaction = one.name
"""
_WRITE_LATENCY = """
INSERT INTO {table} (environment_id, flag_id, site_id, transaction, {time}, requests, bins, counts)
SELECT environment, flag, site, name, time, requests, bins::smallint[], counts::float8[]
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::timestamptz[], %s::bigint[], %s::text[],
    %s::text[]) AS one (environment, flag, site, name, time, requests, bins, counts)
ON CONFLICT (environment_id, flag_id, {time}, site_id, transaction) DO UPDATE SET
    requests = excluded.requests, bins = excluded.bins, counts = excluded.counts
"""

#: Environment, flag, site, named transaction, and the minute or hour.
Series = tuple[int, int | None, int, str, datetime]


@dataclass(frozen=True)
class Claim:
    """Batches taken from the queue, and where their samples lie."""

    batches: Sequence[SampleBatch]

    @property
    def keys(self) -> list[int]:
        return [batch.pk for batch in self.batches]

    @property
    def place(self) -> dict[str, Any]:
        """The arguments of `_AT_HAND`."""
        moments = [batch.received_at for batch in self.batches]
        size = Sample.BATCH_SIZE
        return {
            "since": min(moments),
            "until": max(moments),
            "first": min(self.keys) * size,
            "last": max(self.keys) * size + size - 1,
            "size": size,
            "batches": self.keys,
        }


@transaction.atomic
def roll_up_counts() -> int:
    """Add the next batches to the minutes of tills, sites and flags; return how many, 0 where another does it."""
    claim = _claim(COUNTS)
    if claim is None:
        return 0
    with connection.cursor() as cursor:
        _make_days(cursor, claim.batches)
        cursor.execute(_ADD_TILLS, claim.place)
        cursor.execute(_SUM_SITES, claim.place)
        cursor.execute(_SUM_FLAGS, claim.place)
    rows = SampleBatch.objects.filter(pk__in=claim.keys)
    rows.filter(has_latency=False).delete()
    rows.update(is_counted=True)
    return len(claim.batches)


@transaction.atomic
def roll_up_latency() -> int:
    """Add the latency of the next counted batches to minutes and hours; return how many, 0 where another does it."""
    claim = _claim(LATENCY)
    if claim is None:
        return 0
    with connection.cursor() as cursor:
        _make_days(cursor, claim.batches)
        minutes = _sum_latency(cursor, claim)
    hours: dict[Series, list[Histogram]] = {}
    for (environment, flag, site, name, minute), histogram in minutes.items():
        hours.setdefault((environment, flag, site, name, minute.replace(minute=0)), []).append(histogram)
    _add_latency("health_latencyminute", "minute", minutes)
    _add_latency("health_latencyhour", "hour", {series: merge(parts) for series, parts in hours.items()})
    SampleBatch.objects.filter(pk__in=claim.keys).delete()
    return len(claim.batches)


def _claim(what: int) -> Claim | None:
    """Return the next batches for this roll-up; None where there are none, or another one is at them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [ROLL_UP_LOCK, what])
        if not cursor.fetchone()[0]:
            return None
    batches = list(SampleBatch.objects.filter(is_counted=what == LATENCY).order_by("pk")[:BATCHES])
    return Claim(batches) if batches else None


def _make_days(cursor: CursorWrapper, batches: Iterable[SampleBatch]) -> None:
    """Make sure that the sums of these batches have a day to lie in: a worker may have been away for long."""
    for day in sorted({batch.received_at.astimezone(UTC).date() for batch in batches}):
        cursor.execute("SELECT health_make_day(%s)", [day])


#: A sample's bounds and counts, checked when they were taken in.
_read_latency = msgspec.json.Decoder(tuple[tuple[float, ...], list[int]]).decode


def _sum_latency(cursor: CursorWrapper, claim: Claim) -> dict[Series, Histogram]:
    """Return the latency of the batches by series and minute. What has the same bounds is added before it is spread."""
    found: dict[Series, dict[tuple[float, ...], list[int]]] = {}
    cursor.execute(_READ_LATENCY, claim.place)
    for *series, written in cursor.fetchall():
        bounds, counts = _read_latency(written)
        scales = found.setdefault(tuple(series), {})
        known = scales.get(bounds)
        scales[bounds] = counts if known is None else list(map(add, known, counts))
    return {
        series: merge(spread(bounds, counts) for bounds, counts in scales.items()) for series, scales in found.items()
    }


def _add_latency(table: str, time: str, sums: Mapping[Series, Histogram]) -> None:
    """Add histograms to those that a table has; nobody else writes it meanwhile."""
    ordered = sorted(sums.items(), key=lambda item: (item[0][0], item[0][1] or 0, *item[0][2:]))
    if not ordered:
        return
    keys = [list(column) for column in zip(*(series for series, _ in ordered), strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(_FIND_LATENCY.format(table=table, time=time), keys * 2)
        known = {tuple(series): dict(zip(bins, counts, strict=True)) for *series, bins, counts in cursor.fetchall()}
        written = [sorted(merge([histogram, known.get(series, {})]).items()) for series, histogram in ordered]
        cursor.execute(
            _WRITE_LATENCY.format(table=table, time=time),
            [
                *keys,
                [round(sum(count for _, count in pairs)) for pairs in written],
                [_write_array(place for place, _ in pairs) for pairs in written],
                [_write_array(count for _, count in pairs) for pairs in written],
            ],
        )


def _write_array(numbers: Iterable[float]) -> str:
    return "{" + ",".join(map(repr, numbers)) + "}"
