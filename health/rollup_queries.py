"""Reads of what samples are rolled up to: a second old, in minutes of receipt. One query each.

A window takes every minute that begins in it, and the one that it begins in. Keys go in and come out;
flag None: all of a till's requests, whatever was on.
"""

import json
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import BooleanField, F, Func, Max, Min, Q, QuerySet, Sum
from django.db.models.functions import Trunc

from flags.models import Flag
from health.domain.histogram import Histogram, merge
from health.domain.minutes import floor_minute
from health.domain.sequential import Minute
from health.models import LatencyHour, LatencyMinute, SampleBatch, SiteMinute


class FlagSums(NamedTuple):
    """One flag's minute, of the sites asked for."""

    flag_key: str | None
    minute: datetime
    requests: int
    errors: int
    critical_errors: int
    integrity_errors: int
    spread_requests: float
    spread_errors: int
    first_start_at: datetime
    last_ends_at: datetime
    last_received_at: datetime


class Scope(NamedTuple):
    """What of a flag is asked for: of samples that began at `start_after` or later, at these sites, or at all."""

    flag_key: str
    start_after: datetime | None = None
    site_keys: Collection[str] | None = None


# Flag by flag: the indexes begin with it, and joined otherwise all flags of the window would be read. A flag's own
# minutes say it all, but for some sites only, or where a site's tells of the time before.
_SUM_FLAGS = """
WITH scope AS MATERIALIZED (
    SELECT f.id AS flag_id, f.key, s.start_after,
        CASE WHEN s.sites IS NOT NULL THEN ARRAY(
            SELECT id FROM flags_site WHERE key IN (SELECT jsonb_array_elements_text(s.sites))
        ) END AS sites,
        (SELECT id FROM flags_environment WHERE key = %(environment)s) AS environment_id
    FROM jsonb_to_recordset(%(scopes)s::jsonb) AS s (flag text, start_after timestamptz, sites jsonb)
    JOIN flags_flag f ON f.key = s.flag
)
SELECT scope.key, sums.* FROM scope CROSS JOIN LATERAL (
    SELECT minute, requests, errors, critical_errors, integrity_errors, spread_requests, spread_errors::bigint,
        first_start_at, last_ends_at, last_received_at
    FROM health_flagminute
    WHERE environment_id = scope.environment_id AND flag_id = scope.flag_id
      AND minute >= %(since)s AND minute < %(until)s
      AND scope.sites IS NULL AND (scope.start_after IS NULL OR first_start_at >= scope.start_after)
    UNION ALL
    SELECT one.minute, sum(one.requests)::bigint, sum(one.errors)::bigint, sum(one.critical_errors)::bigint,
        sum(one.integrity_errors)::bigint, sum(one.spread_requests), sum(one.spread_errors)::bigint,
        min(one.first_start_at), max(one.last_ends_at), max(one.last_received_at)
    FROM (
        SELECT minute FROM health_flagminute
        WHERE environment_id = scope.environment_id AND flag_id = scope.flag_id
          AND minute >= %(since)s AND minute < %(until)s
          AND (scope.sites IS NOT NULL OR first_start_at < scope.start_after)
    ) AS known JOIN health_siteminute one
        ON one.environment_id = scope.environment_id AND one.flag_id = scope.flag_id AND one.minute = known.minute
        AND one.minute >= %(since)s AND one.minute < %(until)s
    WHERE (scope.start_after IS NULL OR one.first_start_at >= scope.start_after)
      AND (scope.sites IS NULL OR one.site_id = ANY (scope.sites))
    GROUP BY one.minute
) AS sums
ORDER BY scope.key, sums.minute
"""


_SUM_OVERALL = """
SELECT chosen.place, one.minute, sum(one.requests)::bigint, sum(one.errors)::bigint, sum(one.spread_requests),
    sum(one.spread_errors)::bigint
FROM unnest(%(places)s::int[], %(sites)s::bigint[]) AS chosen (place, site)
JOIN health_siteminute AS one ON one.site_id = chosen.site
WHERE one.environment_id = (SELECT id FROM flags_environment WHERE key = %(environment)s) AND one.flag_id IS NULL
  AND one.minute >= %(since)s AND one.minute < %(until)s
GROUP BY chosen.place, one.minute
"""
_LIST_REPORTING = """
SELECT f.key, ARRAY(
    SELECT DISTINCT site_id FROM health_siteminute
    WHERE environment_id = (SELECT id FROM flags_environment WHERE key = %(environment)s) AND flag_id = f.id
      AND minute >= %(since)s
) FROM flags_flag f WHERE f.key = ANY (%(flags)s)
"""


def sum_flag_minutes(
    *, environment_key: str, scopes: Collection[Scope], since: datetime, until: datetime
) -> list[FlagSums]:
    """Return each flag's minutes pooled over the sites of its scope, in order of flag and time.

    Pooled in the database: hundreds of flags at many sites come back as one row for a flag and minute.
    """
    asked = [
        {
            "flag": scope.flag_key,
            "start_after": scope.start_after and scope.start_after.isoformat(),
            "sites": None if scope.site_keys is None else sorted(scope.site_keys),
        }
        for scope in scopes
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            _SUM_FLAGS,
            {
                "scopes": json.dumps(asked),
                "environment": environment_key,
                "since": floor_minute(since),
                "until": until,
            },
        )
        return [FlagSums(*row) for row in cursor.fetchall()]


def sum_overall_minutes(
    *, environment_key: str, site_sets: Collection[frozenset[int]], since: datetime, until: datetime
) -> dict[frozenset[int], dict[datetime, Minute]]:
    """Return the minutes of all requests, whatever was on, pooled over each of these sets of sites: one query."""
    known = [sites for sites in site_sets if sites]
    found: dict[frozenset[int], dict[datetime, Minute]] = {sites: {} for sites in known}
    with connection.cursor() as cursor:
        cursor.execute(
            _SUM_OVERALL,
            {
                "places": [place for place, sites in enumerate(known) for _ in sites],
                "sites": [site for sites in known for site in sites],
                "environment": environment_key,
                "since": floor_minute(since),
                "until": until,
            },
        )
        for place, minute, *sums in cursor.fetchall():
            found[known[place]][minute] = Minute(*sums)
    return found


def list_reporting_sites(
    *, environment_key: str, flag_keys: Collection[str], since: datetime
) -> dict[str, frozenset[int]]:
    """Return the sites that report each flag as on for somebody: one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            _LIST_REPORTING,
            {"flags": sorted(flag_keys), "environment": environment_key, "since": floor_minute(since)},
        )
        return {flag_key: frozenset(sites) for flag_key, sites in cursor.fetchall()}


def find_oldest_batch() -> datetime | None:
    """Return when the oldest samples were received that are not rolled up yet, None where all are: one query."""
    oldest: datetime | None = SampleBatch.objects.aggregate(oldest=Min("received_at"))["oldest"]
    return oldest


def find_newest_receipt(
    *, environment_key: str, flag_keys: Collection[str], since: datetime, until: datetime
) -> dict[str | None, datetime]:
    """Return when the newest sample of each flag, and of no flag (None), was received; what sent nothing is missing."""
    rows = _within(environment_key=environment_key, since=since, until=until).order_by()
    return dict(_choose(rows.values_list("flag__key").annotate(Max("last_received_at")), flag_keys, with_overall=True))


def sum_sites_of_flag(
    *, environment_key: str, flag_key: str, since: datetime, until: datetime
) -> dict[str, tuple[int, int]]:
    """Return requests and errors of a flag by site: one query."""
    rows = _within(environment_key=environment_key, since=since, until=until).filter(choose_flags([flag_key]))
    sums = rows.order_by().values_list("site__key").annotate(Sum("requests"), Sum("errors"))
    return {site_key: (requests, errors) for site_key, requests, errors in sums}


class Latency(NamedTuple):
    """What is known of how long one named transaction took."""

    flag_key: str | None
    site_key: str
    transaction: str
    at: datetime
    requests: int
    histogram: Histogram


def read_latency(
    *,
    environment_key: str,
    flag_keys: Collection[str] | None,
    since: datetime,
    until: datetime,
    by_hour: bool = False,
    site_keys: Collection[str] | None = None,
    transaction: str | None = None,
    with_overall: bool = True,
) -> list[Latency]:
    """Return latency by flag, site, named transaction and minute (or hour), in order of time."""
    model, time = (LatencyHour, "hour") if by_hour else (LatencyMinute, "minute")
    begin = floor_minute(since).replace(minute=0) if by_hour else floor_minute(since)
    rows = model._default_manager.filter(
        **{"environment__key": environment_key, f"{time}__gte": begin, f"{time}__lt": until},
    )
    if site_keys is not None:
        rows = rows.filter(site__key__in=site_keys)
    if transaction is not None:
        rows = rows.filter(transaction=transaction)
    names = ("flag__key", "site__key", "transaction", time, "requests", "bins", "counts")
    found = [
        Latency(flag, site, name, at, requests, dict(zip(bins, counts, strict=True)))
        for flag, site, name, at, requests, bins, counts in _choose(
            rows.values_list(*names), flag_keys, with_overall=with_overall
        )
    ]
    return sorted(found, key=lambda one: (one.at, one.flag_key or "", one.site_key, one.transaction))


def pool_latency(rows: Iterable[Latency]) -> dict[tuple[str | None, str], Histogram]:
    """Return the histograms of all sites and times together, by flag and named transaction."""
    parts: dict[tuple[str | None, str], list[Histogram]] = {}
    for row in rows:
        parts.setdefault((row.flag_key, row.transaction), []).append(row.histogram)
    return {key: merge(histograms) for key, histograms in parts.items()}


class Trace(NamedTuple):
    """A point of a chart's line; `key` is the site's or the flag's."""

    key: str
    at: datetime
    requests: int
    errors: int


def trace_by_site(*, environment_key: str, since: datetime, until: datetime, step: str = "minute") -> list[Trace]:
    """Return requests and errors of each site, whatever was on, by minute, hour or day (UTC)."""
    rows = _within(environment_key=environment_key, since=since, until=until).filter(flag=None)
    return _trace(rows, "site__key", step=step)


def trace_by_flag(*, environment_key: str, since: datetime, until: datetime, step: str = "minute") -> list[Trace]:
    """Return requests and errors of each flag at all sites, by minute, hour or day (UTC)."""
    rows = _within(environment_key=environment_key, since=since, until=until).filter(choose_flags(None))
    return _trace(rows, "flag__key", step=step)


def _trace(rows: QuerySet[SiteMinute], key: str, *, step: str) -> list[Trace]:
    sums = rows.values(key, at=Trunc("minute", step)).annotate(n=Sum("requests"), e=Sum("errors"))
    return [Trace(*row) for row in sums.order_by(key, "at").values_list(key, "at", "n", "e")]


def _within(*, environment_key: str, since: datetime, until: datetime) -> QuerySet[SiteMinute]:
    return SiteMinute.objects.filter(
        environment__key=environment_key, minute__gte=floor_minute(since), minute__lt=until
    )


def _choose(rows: QuerySet[Any, Any], flag_keys: Collection[str] | None, *, with_overall: bool) -> QuerySet[Any, Any]:
    """Return of these rows those of the flags, and those of no flag: two looks into the index, one query."""
    overall = rows.filter(flag=None)
    if flag_keys is not None and not flag_keys:
        return overall if with_overall else rows.none()
    chosen = rows.filter(choose_flags(flag_keys))
    return chosen.union(overall, all=True) if with_overall else chosen


def choose_flags(flag_keys: Collection[str] | None) -> Q:
    """Return the condition of these flags, None: of every flag.

    As an array, not as a join: the index begins with the flag, and only so is each looked up in it.
    """
    flags = Flag.objects.all() if flag_keys is None else Flag.objects.filter(key__in=flag_keys)
    return Q(
        Func(
            F("flag_id"),
            ArraySubquery(flags.order_by().values("pk")),
            template="%(expressions)s)",
            arg_joiner=" = ANY(",
            output_field=BooleanField(),
        )
    )
