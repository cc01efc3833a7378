"""The compliance report: incidents counted by month, tier and site, in a fixed number of queries.

What was merged into another counts there.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Case, DurationField, ExpressionWrapper, F, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce
from psycopg import sql

from core.domain.business_time import at_local
from incidents.domain.compliance import Line, Part, Report, Tally, Times
from incidents.domain.lifecycle import RUNNING, Status
from incidents.domain.tiers import RTO, Tier
from incidents.models import Incident
from rollouts.domain.month import Month

#: Sorting 100,000 lengths of time in memory takes half as long as on disk; for the one transaction alone.
WORK_MEMORY = "32MB"

_RTO = sql.SQL("CASE i.highest_tier {} END").format(
    sql.SQL(" ").join(
        sql.SQL("WHEN {} THEN make_interval(secs => {})").format(str(tier), length.total_seconds())
        for tier, length in RTO.items()
    )
)
#: Months are told apart by their first moment in the portal's zone: they are 28 days, or 31 and an hour.
_MEASURED = sql.SQL(
    """
    SELECT i.is_rehearsal, width_bucket(i.detected_at, %(edges)s::timestamptz[]) AS month, i.highest_tier AS tier,
        i.site_keys,
        date_part('epoch', i.acknowledged_at - i.detected_at)::int AS acknowledge,
        date_part('epoch', COALESCE(i.mitigated_at, i.restored_at) - i.detected_at)::int AS mitigate,
        date_part('epoch', i.restored_at - i.detected_at)::int AS restore,
        i.restored_at IS NOT NULL AS is_over,
        COALESCE(i.restored_at, %(now)s) <= i.detected_at + {rto} AS is_kept
    FROM incidents_incident i
    WHERE i.detected_at >= %(since)s AND i.detected_at < %(until)s AND i.status <> {merged}
        AND (%(environment)s::text IS NULL
            OR i.environment_id = (SELECT id FROM flags_environment WHERE key = %(environment)s))
        AND (%(tier)s::text IS NULL OR i.highest_tier = %(tier)s)
        AND (%(site)s::text IS NULL OR %(site)s = ANY(i.site_keys))
    """
).format(rto=_RTO, merged=str(Status.MERGED))
_COUNTS = sql.SQL(
    """
    count(*) FILTER (WHERE is_over AND is_kept), count(*) FILTER (WHERE is_over AND NOT is_kept),
    count(*) FILTER (WHERE NOT is_over AND NOT is_kept), count(*) FILTER (WHERE NOT is_over AND is_kept)
    """
)
#: Quantiles are lengths that some incident really took, in whole seconds: integers are sorted faster.
_TIMES = sql.SQL(
    """
    count(acknowledge), avg(acknowledge), percentile_disc(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY acknowledge),
    count(mitigate), avg(mitigate), NULL,
    count(restore), avg(restore), percentile_disc(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY restore)
    """
)
#: An incident at several sites is one line for each; at none, one without a key.
_BY_SITE = sql.SQL(
    """
    CROSS JOIN LATERAL unnest(CASE WHEN cardinality(site_keys) = 0 THEN ARRAY[''] ELSE site_keys END) AS site
    WHERE %(site)s::text IS NULL OR site = %(site)s
    """
)
_TOTALS = sql.SQL(
    """
    SELECT is_rehearsal, month, tier, NULL, {counts}, {times} FROM ({measured}) measured
    GROUP BY GROUPING SETS ((is_rehearsal), (is_rehearsal, month), (is_rehearsal, tier))
    """
).format(counts=_COUNTS, times=_TIMES, measured=_MEASURED)
_SITES = sql.SQL(
    "SELECT is_rehearsal, NULL, NULL, site, {counts}, {times} FROM ({measured}) measured {by_site} GROUP BY 1, site"
).format(counts=_COUNTS, times=_TIMES, measured=_MEASURED, by_site=_BY_SITE)
_CELLS = sql.SQL(
    """
    SELECT is_rehearsal, month, tier, site, {counts}, {times} FROM ({measured}) measured {by_site}
    GROUP BY is_rehearsal, month, tier, site ORDER BY is_rehearsal, month, tier, site
    """
).format(counts=_COUNTS, times=_TIMES, measured=_MEASURED, by_site=_BY_SITE)
_SHARE = sql.SQL("SELECT {counts} FROM ({measured}) measured WHERE NOT is_rehearsal").format(
    counts=_COUNTS, measured=_MEASURED
)


@dataclass(frozen=True)
class Wish:
    """Whole months, the first and the last; the rest narrows where it is not None."""

    first: Month
    last: Month
    environment_key: str | None = None
    tier: Tier | None = None
    site_key: str | None = None

    @property
    def months(self) -> list[Month]:
        found = [self.first]
        while found[-1].first_on < self.last.first_on:
            found.append(found[-1].next)
        return found


def compose_report(wish: Wish, *, zone: ZoneInfo, now: datetime) -> Report:
    """Return the report of the months wished for: two queries, however many incidents there are."""
    given = _write_params(wish, zone=zone, now=now)
    with _more_memory():
        totals, sites = _read(_TOTALS, given, wish), _read(_SITES, given, wish)
    return Report(
        since=wish.first.first_on,
        until=wish.last.next.first_on,
        made_at=now,
        real=_gather(wish, totals, sites, is_rehearsal=False),
        rehearsed=_gather(wish, totals, sites, is_rehearsal=True),
    )


def list_cells(wish: Wish, *, zone: ZoneInfo, now: datetime) -> list[tuple[bool, Line]]:
    """Return the tally of each month, tier and site with incidents, rehearsals last: one query."""
    with _more_memory():
        return _read(_CELLS, _write_params(wish, zone=zone, now=now), wish)


def count_recent(*, environment_key: str | None, since: datetime, now: datetime) -> Tally:
    """Return how the incidents detected since a moment stand, without rehearsals: one query."""
    given = _params(edges=[since], until=now, environment_key=environment_key, now=now)
    with connection.cursor() as cursor:
        cursor.execute(_SHARE, given)
        return Tally(*cursor.fetchone())


def list_missed(wish: Wish, *, zone: ZoneInfo, now: datetime) -> QuerySet[Incident]:
    """Return the incidents that were missed, rehearsals not, the latest first; `late` is by how much."""
    whens = [When(highest_tier=str(tier), then=Value(length)) for tier, length in RTO.items()]
    length = ExpressionWrapper(Case(*whens), output_field=DurationField())
    late = ExpressionWrapper(
        Coalesce("restored_at", Value(now)) - F("detected_at") - length, output_field=DurationField()
    )
    rows = _narrow(wish, zone=zone).annotate(late=late)
    return rows.filter(late__gt=timedelta())


def list_running(wish: Wish, *, zone: ZoneInfo) -> QuerySet[Incident]:
    """Return the incidents whose clock runs, rehearsals not, the latest first."""
    return _narrow(wish, zone=zone).filter(status__in=RUNNING)


def _narrow(wish: Wish, *, zone: ZoneInfo) -> QuerySet[Incident]:
    since, until = (at_local(day, time(), zone=zone) for day in (wish.first.first_on, wish.last.next.first_on))
    rows = Incident.objects.filter(is_rehearsal=False, detected_at__gte=since, detected_at__lt=until)
    wanted = Q()
    if wish.environment_key is not None:
        wanted &= Q(environment__key=wish.environment_key)
    if wish.tier is not None:
        wanted &= Q(highest_tier=wish.tier)
    if wish.site_key is not None:
        wanted &= Q(site_keys__contains=[wish.site_key])
    rows = rows.exclude(status=Status.MERGED)
    return rows.filter(wanted).select_related("environment").order_by("-detected_at", "-pk")


def _write_params(wish: Wish, *, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    edges = [at_local(month.first_on, time(), zone=zone) for month in wish.months]
    until = at_local(wish.last.next.first_on, time(), zone=zone)
    return _params(
        edges=edges,
        until=until,
        environment_key=wish.environment_key,
        now=now,
        tier=None if wish.tier is None else str(wish.tier),
        site_key=wish.site_key,
    )


def _params(
    *,
    edges: Sequence[datetime],
    until: datetime,
    environment_key: str | None,
    now: datetime,
    tier: str | None = None,
    site_key: str | None = None,
) -> dict[str, Any]:
    return {
        "edges": list(edges),
        "since": edges[0],
        "until": until,
        "environment": environment_key,
        "tier": tier,
        "site": site_key,
        "now": now,
    }


@contextmanager
def _more_memory() -> Iterator[None]:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('work_mem', %s, true)", [WORK_MEMORY])
        yield


def _read(query: sql.Composed, given: dict[str, Any], wish: Wish) -> list[tuple[bool, Line]]:
    with connection.cursor() as cursor:
        cursor.execute(query, given)
        rows = cursor.fetchall()
    months = wish.months
    return [(row[0], _read_line(row[1:], months)) for row in rows]


def _read_line(row: Sequence[Any], months: Sequence[Month]) -> Line:
    month, tier, site, *figures = row
    return Line(
        tally=Tally(*figures[:4], *(_read_times(*figures[start : start + 3]) for start in (4, 7, 10))),
        month=None if month is None else months[month - 1].first_on,
        tier=None if tier is None else Tier(tier),
        site=site,
    )


def _read_times(number: int, mean: float | None, quantiles: Sequence[float | None] | None) -> Times:
    median, p90 = quantiles or (None, None)
    return Times(number, _seconds(mean), _seconds(median), _seconds(p90))


def _seconds(value: float | None) -> timedelta | None:
    return None if value is None else timedelta(seconds=round(value))


def _gather(
    wish: Wish, totals: Sequence[tuple[bool, Line]], sites: Sequence[tuple[bool, Line]], *, is_rehearsal: bool
) -> Part:
    lines = [line for rehearsed, line in totals if rehearsed is is_rehearsal]
    by_month: dict[date | None, Line] = {line.month: line for line in lines if line.tier is None}
    by_tier = {line.tier: line for line in lines if line.tier is not None}
    by_site = [line for rehearsed, line in sites if rehearsed is is_rehearsal]
    return Part(
        total=by_month[None].tally if None in by_month else Tally(),
        months=[by_month.get(month.first_on, Line(Tally(), month=month.first_on)) for month in wish.months],
        tiers=[by_tier.get(tier, Line(Tally(), tier=tier)) for tier in Tier],
        sites=sorted(by_site, key=lambda line: (-line.tally.missed, -line.tally.number, line.site or "")),
    )
