"""Sums over stretches of time, for charts and reports: each one query, whatever the number of sites.

Quantiles are found in the database, so that a stretch of weeks at a thousand sites comes back as one row.
A minute, or an hour, counts to the stretch that it begins in.
"""

import json
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from django.db import connection

from health.domain.histogram import read_place
from health.domain.minutes import floor_minute

#: Longer stretches are read of hours.
LONGEST_IN_MINUTES = timedelta(hours=6)


class By(StrEnum):
    """What sums are kept apart by. `FLAG`: requests with it on; else all requests, whatever was on."""

    ALL = "all"
    SITE = "site"
    FLAG = "flag"


class Window(NamedTuple):
    """A stretch of time with a name of the caller's own."""

    key: str
    since: datetime
    until: datetime


class Where(NamedTuple):
    """Which sums: of an environment, at these sites or all (None), with these flags where kept apart by flag."""

    environment_key: str
    by: By = By.ALL
    flag_keys: Collection[str] = ()
    site_keys: Collection[str] | None = None


class Counted(NamedTuple):
    """Sums of one stretch; `key` is the site's or the flag's, empty of all."""

    window: str
    key: str
    requests: int
    errors: int
    critical_errors: int


class Took(NamedTuple):
    """How long a named transaction took in one stretch, beside what was usual at the same sites, weekdays and hours.

    `p95_ms` is of the `compared` requests, for which something was usual, or of all where there are none.
    """

    window: str
    key: str
    transaction: str
    requests: int
    compared: int
    usual_ms: float | None
    p95_ms: float


_WINDOWS = """
windows AS MATERIALIZED (
    SELECT key, since, until FROM jsonb_to_recordset(%(windows)s::jsonb)
        AS w (key text, since timestamptz, until timestamptz)
), flags AS MATERIALIZED (
    SELECT id, key FROM flags_flag WHERE key = ANY (%(flags)s)
), environment AS (
    SELECT id FROM flags_environment WHERE key = %(environment)s
)
"""
#: Rows of a table with the minute or hour `time`, as they are kept apart.
_ROWS = """
FROM windows CROSS JOIN LATERAL (
    SELECT m.*, s.key AS site_key, s.time_zone FROM {table} m JOIN flags_site s ON s.id = m.site_id
    WHERE m.environment_id = (SELECT id FROM environment) AND m.flag_id IS NULL
      AND m.{time} >= windows.since AND m.{time} < windows.until
      AND (%(sites)s::text[] IS NULL OR s.key = ANY (%(sites)s::text[]))
) AS m
"""
_ROWS_OF_FLAGS = """
FROM windows CROSS JOIN flags CROSS JOIN LATERAL (
    SELECT m.*, s.key AS site_key, s.time_zone FROM {table} m JOIN flags_site s ON s.id = m.site_id
    WHERE m.environment_id = (SELECT id FROM environment) AND m.flag_id = flags.id
      AND m.{time} >= windows.since AND m.{time} < windows.until
      AND (%(sites)s::text[] IS NULL OR s.key = ANY (%(sites)s::text[]))
) AS m
"""
_KEYS = {By.ALL: "''", By.SITE: "m.site_key", By.FLAG: "flags.key"}
_COUNT = """
WITH {windows} SELECT windows.key, {key} AS key, sum(requests)::bigint, sum(errors)::bigint,
    (sum(critical_errors) + sum(integrity_errors))::bigint
{rows} GROUP BY 1, 2 ORDER BY 1, 2
"""
# Cumulated bin by bin: the bin that the quantile lies in is the first that reaches it.
_TAKE = """
WITH {windows}, usual AS MATERIALIZED (
    SELECT u.site_id, u.transaction, u.weekday, u.hour, u.p95_ms FROM health_usuallatency u
    JOIN health_baseline b ON b.id = u.baseline_id WHERE b.subject = %(subject)s
), found AS (
    SELECT windows.key AS stretch, {key} AS key, m.transaction, m.requests, m.bins, m.counts,
        coalesce(own.p95_ms, everywhere.p95_ms) AS usual_ms
    {rows}
    LEFT JOIN usual own ON own.site_id = m.site_id AND own.transaction = m.transaction
        AND own.weekday = extract(isodow FROM m.{time} AT TIME ZONE m.time_zone) - 1
        AND own.hour = extract(hour FROM m.{time} AT TIME ZONE m.time_zone)
    LEFT JOIN usual everywhere ON everywhere.site_id IS NULL AND everywhere.transaction = m.transaction
        AND everywhere.weekday = extract(isodow FROM m.{time} AT TIME ZONE m.time_zone) - 1
        AND everywhere.hour = extract(hour FROM m.{time} AT TIME ZONE m.time_zone)
), sums AS (
    SELECT stretch, key, transaction, sum(requests)::bigint AS requests,
        coalesce(sum(requests) FILTER (WHERE usual_ms IS NOT NULL), 0)::bigint AS compared,
        sum(requests * usual_ms) / sum(requests) FILTER (WHERE usual_ms IS NOT NULL) AS usual_ms
    FROM found GROUP BY 1, 2, 3
), binned AS (
    SELECT found.stretch, found.key, found.transaction, one.bin, sum(one.n) AS n
    FROM found JOIN sums USING (stretch, key, transaction)
    CROSS JOIN LATERAL unnest(found.bins, found.counts) AS one (bin, n)
    WHERE (found.usual_ms IS NOT NULL) = (sums.compared > 0) AND one.n > 0
    GROUP BY 1, 2, 3, 4
), grown AS (
    SELECT *, sum(n) OVER (PARTITION BY stretch, key, transaction ORDER BY bin) AS below,
        sum(n) OVER (PARTITION BY stretch, key, transaction) AS total
    FROM binned
), reached AS (
    SELECT DISTINCT ON (stretch, key, transaction) * FROM grown WHERE below >= 0.95 * total * (1 - 1e-12)
    ORDER BY stretch, key, transaction, bin
)
SELECT stretch, key, transaction, sums.requests, sums.compared, sums.usual_ms, reached.bin,
    least(greatest((0.95 * total - (below - n)) / n, 0), 1)
FROM sums JOIN reached USING (stretch, key, transaction) ORDER BY 1, 2, 3
"""


def count_windows(where: Where, windows: Sequence[Window]) -> list[Counted]:
    """Return requests, errors and critical errors of each stretch; what reported nothing has no row."""
    query = _COUNT.format(
        windows=_WINDOWS, key=_KEYS[where.by], rows=_choose_rows(where, "health_siteminute", "minute")
    )
    with connection.cursor() as cursor:
        cursor.execute(query, _write(where, windows))
        return [Counted(*row) for row in cursor.fetchall()]


def time_windows(where: Where, windows: Sequence[Window], *, subject: str, by_hour: bool) -> list[Took]:
    """Return the p95 of each stretch's named transactions, beside the baseline of a subject."""
    table, time = ("health_latencyhour", "hour") if by_hour else ("health_latencyminute", "minute")
    rows = _choose_rows(where, table, time)
    query = _TAKE.format(windows=_WINDOWS, key=_KEYS[where.by], rows=rows, time=time)
    with connection.cursor() as cursor:
        cursor.execute(query, _write(where, windows, by_hour=by_hour) | {"subject": subject})
        return [Took._make((*row[:6], read_place(row[6], float(row[7])))) for row in cursor.fetchall()]


def _choose_rows(where: Where, table: str, time: str) -> str:
    return (_ROWS_OF_FLAGS if where.by is By.FLAG else _ROWS).format(table=table, time=time)


def _write(where: Where, windows: Sequence[Window], *, by_hour: bool = False) -> dict[str, str | list[str] | None]:
    return {
        "environment": where.environment_key,
        "flags": sorted(where.flag_keys),
        "sites": None if where.site_keys is None else sorted(where.site_keys),
        "windows": json.dumps(
            [
                {
                    "key": one.key,
                    "since": _floor(one.since, by_hour=by_hour),
                    "until": _floor(one.until, by_hour=by_hour),
                }
                for one in windows
            ]
        ),
    }


def _floor(moment: datetime, *, by_hour: bool) -> str:
    begin = floor_minute(moment)
    return (begin.replace(minute=0) if by_hour else begin).isoformat()
