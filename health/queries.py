"""Reads of health: judgements, counts, series."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Q, QuerySet, Sum, TextField, Value
from django.db.models.functions import Cast, Coalesce, Concat, NullIf

from core.domain.business_time import day_bounds, local_day
from health.domain.critical_lane import LANE, THRESHOLD, WINDOW, SampleFacts, judge_critical
from health.domain.exposure import Exposure
from health.domain.verdict import Judgement, Verdict
from health.models import Complaint, ComplaintStatus, Sample, StoredVerdict

log = logging.getLogger(__name__)


def judge_critical_lane(*, exposures: Sequence[Exposure], now: datetime) -> list[Judgement]:
    """Return one judgement for each exposure; a fault while judging is verdict `error`, never healthy.

    One query for each environment among the exposures.
    """
    facts = {
        key: _window_facts(environment_key=key, now=now)
        for key in sorted({exposure.environment_key for exposure in exposures})
    }
    return [_judge(exposure, facts[exposure.environment_key], now=now) for exposure in exposures]


def _judge(exposure: Exposure, samples: Sequence[SampleFacts], *, now: datetime) -> Judgement:
    try:
        return judge_critical(exposure, samples, now=now)
    except (ArithmeticError, LookupError, TypeError, ValueError) as fault:
        log.exception("the critical lane failed on %s", exposure.flag_key)
        return Judgement(
            Verdict.ERROR, LANE, exposure.flag_key, 0, 0, now - WINDOW, now, THRESHOLD, "fault", {"fault": repr(fault)}
        )


def _window_facts(*, environment_key: str, now: datetime) -> list[SampleFacts]:
    rows = Sample.objects.filter(
        environment__key=environment_key, received_at__gte=now - WINDOW, received_at__lt=now
    ).values_list(
        "pk",
        "received_at",
        "start_at",
        "ends_at",
        "site__key",
        "till",
        "flag__key",
        "requests",
        "critical_errors",
        "integrity_errors",
    )
    return [
        SampleFacts(received, start, end, site, till or f"sample-{pk}", flag, requests, critical, integrity)
        for pk, received, start, end, site, till, flag, requests, critical, integrity in rows.order_by("received_at")
    ]


def list_verdicts(*, subject: str, epoch: int | None = None) -> QuerySet[StoredVerdict]:
    """Return the stored verdicts on a subject, newest first."""
    rows = StoredVerdict.objects.filter(subject=subject)
    return rows if epoch is None else rows.filter(epoch=epoch)


def count_complaints(
    *,
    environment_key: str,
    since: datetime,
    until: datetime,
    flag_keys: Collection[str] | None = None,
    site_keys: Collection[str] | None = None,
) -> int:
    """Return the number of distinct (reporter, topic) complaints in [since, until).

    Neither spam nor duplicates; the topic is the suspected flag, else the words. A complaint
    without a reporter counts for itself.
    """
    rows = Complaint.objects.filter(
        environment__key=environment_key,
        status=ComplaintStatus.NEW,
        logged_at__gte=since,
        logged_at__lt=until,
    )
    if flag_keys is not None:
        rows = rows.filter(Q(flag__key__in=flag_keys) | Q(flag__isnull=True))
    if site_keys is not None:
        rows = rows.filter(Q(site__key__in=site_keys) | Q(flag__isnull=False))
    own = Cast(F("pk"), TextField())
    voice = Coalesce(
        Concat(NullIf(F("words__reporter"), Value("")), Value("|"), Coalesce(F("flag__key"), F("words__text"))), own
    )
    named = rows.exclude(words__reporter="").annotate(voice=voice).aggregate(n=Count("voice", distinct=True))["n"]
    return int(named or 0) + rows.filter(words__reporter="").count()


def complaints_today(*, environment_key: str, zone: ZoneInfo, now: datetime) -> int:
    """Return how many complaints count today, by the civil day of a zone."""
    since, until = day_bounds(local_day(now, zone=zone), zone=zone)
    return count_complaints(environment_key=environment_key, since=since, until=until)


@dataclass(frozen=True)
class Point:
    """One bucket of a series: [start, start + width), its requests and errors of all tills."""

    start_at: datetime
    requests: int
    errors: int


def error_series(*, environment_key: str, since: datetime, until: datetime, buckets: int) -> list[Point]:
    """Return requests and errors in equal buckets of [since, until), overall samples only."""
    width = (until - since) / buckets
    rows = Sample.objects.filter(
        environment__key=environment_key, flag=None, start_at__gte=since, start_at__lt=until
    ).values_list("start_at", "requests", "errors")
    requests, errors = [0] * buckets, [0] * buckets
    for start_at, count, failed in rows:
        index = min(int((start_at - since) / width), buckets - 1)
        requests[index] += count
        errors[index] += failed
    return [Point(since + width * i, requests[i], errors[i]) for i in range(buckets)]


@dataclass(frozen=True)
class FlagFigures:
    """Sums over a window for one flag at one site."""

    flag_key: str
    site_name: str
    requests: int
    errors: int
    critical_errors: int
    integrity_errors: int


def figures_by_flag(*, environment_key: str, since: datetime, until: datetime) -> list[FlagFigures]:
    """Return the sums of each flag at each site in [since, until): one query."""
    rows = (
        Sample.objects.filter(
            environment__key=environment_key, flag__isnull=False, received_at__gte=since, received_at__lt=until
        )
        .values("flag__key", "site__name")
        .annotate(n=Sum("requests"), e=Sum("errors"), c=Sum("critical_errors"), i=Sum("integrity_errors"))
        .order_by("flag__key", "site__name")
    )
    return [FlagFigures(r["flag__key"], r["site__name"], r["n"], r["e"], r["c"], r["i"]) for r in rows]
