"""Reads of health: judgements, counts, series."""

import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from django.db import DatabaseError, transaction
from django.db.models import Count, FloatField, Func, IntegerField, Max, Q, QuerySet, Sum, Value
from django.db.models.functions import Cast, Extract, Greatest

from core.domain.business_time import local_day
from flags.models import Site
from health.domain.complaints import Voice, count_voices
from health.domain.critical_lane import LANE, THRESHOLD, WINDOW, SampleFacts, judge_critical, window_start
from health.domain.exposure import Exposure
from health.domain.minutes import floor_minute
from health.domain.verdict import Judgement, say_fault
from health.models import Complaint, ComplaintStatus, Sample, SiteMinute, StoredVerdict, TillMinute
from health.rollup_queries import Scope, choose_flags, sum_flag_minutes

log = logging.getLogger(__name__)


def judge_critical_lane(*, exposures: Sequence[Exposure], now: datetime) -> list[Judgement]:
    """Return one judgement for each exposure; a fault while judging is verdict `error`, never healthy.

    Two queries for each environment among the exposures.
    """
    flag_keys: dict[str, set[str]] = defaultdict(set)
    for exposure in exposures:
        flag_keys[exposure.environment_key].add(exposure.flag_key)
    try:
        with transaction.atomic():
            facts = {key: _read_facts(environment_key=key, flag_keys=flag_keys[key], now=now) for key in flag_keys}
    except DatabaseError as fault:
        log.exception("the critical lane cannot read its samples")
        return [_no_verdict(exposure, fault, now=now) for exposure in exposures]
    return [
        _judge(exposure, facts[exposure.environment_key].list_of(exposure.flag_key), now=now) for exposure in exposures
    ]


def _judge(exposure: Exposure, samples: Sequence[SampleFacts], *, now: datetime) -> Judgement:
    try:
        return judge_critical(exposure, samples, now=now)
    except (ArithmeticError, LookupError, TypeError, ValueError) as fault:
        log.exception("the critical lane failed on %s", exposure.flag_key)
        return _no_verdict(exposure, fault, now=now)


def _no_verdict(exposure: Exposure, fault: Exception, *, now: datetime) -> Judgement:
    return say_fault(
        LANE,
        flag_key=exposure.flag_key,
        threshold=THRESHOLD,
        since=window_start(exposure, now=now),
        now=now,
        fault=type(fault).__name__,
    )


@dataclass(frozen=True)
class Facts:
    """An environment's samples with errors that weigh, and how many requests each flag had beside them."""

    weighing: Sequence[SampleFacts]
    others: Mapping[str | None, Sequence[SampleFacts]]

    def list_of(self, flag_key: str) -> list[SampleFacts]:
        """Return what one flag is judged from: all that weighs, for it may explain what names no flag."""
        return [*self.weighing, *self.others.get(flag_key, ())]


def _read_facts(*, environment_key: str, flag_keys: Collection[str], now: datetime) -> Facts:
    """Return the window's samples with errors that weigh, and the flags' requests of each minute beside them.

    The first are read as they came, at once; the others only say how many there were, from sums.
    """
    rows = Sample.objects.filter(
        Q(critical_errors__gt=0) | Q(integrity_errors__gt=0),
        environment__key=environment_key,
        received_at__gte=now - WINDOW,
        received_at__lt=now,
    ).values_list(
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
    weighing = [SampleFacts(*row) for row in rows.order_by("received_at", "pk")]
    others: dict[str | None, list[SampleFacts]] = defaultdict(list)
    for one in _count_others(weighing, environment_key=environment_key, flag_keys=flag_keys, now=now):
        others[one.flag_key].append(one)
    return Facts(weighing, others)


def _count_others(
    weighing: Sequence[SampleFacts], *, environment_key: str, flag_keys: Collection[str], now: datetime
) -> list[SampleFacts]:
    """Return the requests of the flags' samples that do not weigh, minute by minute, as if of one sample each."""
    counted: Counter[tuple[str | None, datetime]] = Counter()
    for sample in weighing:
        counted[sample.flag_key, floor_minute(sample.received_at)] += sample.requests
    minutes = sum_flag_minutes(
        environment_key=environment_key, scopes=[Scope(key) for key in flag_keys], since=now - WINDOW, until=now
    )
    return [
        SampleFacts(
            received_at=max(one.last_received_at, now - WINDOW),
            start_at=one.first_start_at,
            ends_at=one.last_ends_at,
            site_key="",
            till="",
            flag_key=one.flag_key,
            requests=max(one.requests - counted[one.flag_key, one.minute], 0),
            critical_errors=0,
            integrity_errors=0,
        )
        for one in minutes
    ]


def count_complaints_by_day(
    *,
    environment_key: str,
    now: datetime,
    days: int,
    flag_keys: Collection[str] | None = None,
    site_keys: Collection[str] | None = None,
) -> list[int]:
    """Return the numbers of distinct (reporter, topic) complaints on each of the last days, today's last: one query.

    Each site has its own today: the civil day of its time zone. Neither spam nor duplicates count.
    `flag_keys` keeps those that suspect one of these flags or none; `site_keys` keeps, of those
    that suspect none, the ones from these sites.
    """
    rows = list_counting(environment_key=environment_key, now=now, days=days)
    said = _hear(attribute(rows, flag_keys=flag_keys, site_keys=site_keys), now=now)
    return [count_voices(said[ago]) for ago in reversed(range(days))]


def count_complaints_on(
    agos: Sequence[int],
    *,
    environment_key: str,
    now: datetime,
    flag_keys: Collection[str] | None = None,
    site_keys: Collection[str] | None = None,
) -> list[int]:
    """Return the numbers of single days, each so many ago, as `count_complaints_by_day`: one query of these alone."""
    near, margin = Q(), timedelta(days=1, hours=1)
    for ago in agos:
        # Wherever a site lies, its civil day begins and ends within a day of this moment; an hour for a clock change.
        at = now - timedelta(days=ago)
        near |= Q(logged_at__gte=at - margin, logged_at__lt=at + margin)
    rows = list_counting(environment_key=environment_key, now=now, days=max(agos) + 1).filter(near)
    said = _hear(attribute(rows, flag_keys=flag_keys, site_keys=site_keys), now=now)
    return [count_voices(said[ago]) for ago in agos]


def _hear(rows: QuerySet[Complaint], *, now: datetime) -> Mapping[int, Sequence[Voice]]:
    """Return who said what, by how many civil days of its site ago it was."""
    found = rows.values_list("logged_at", "site__time_zone", "words__reporter", "flag__key", "words__text")
    said: dict[int, list[Voice]] = defaultdict(list)
    today: dict[str, date] = {}
    for logged_at, zone, reporter, flag_key, text in found:
        if zone not in today:
            today[zone] = local_day(now, zone=ZoneInfo(zone))
        ago = (today[zone] - local_day(logged_at, zone=ZoneInfo(zone))).days
        said[ago].append(Voice(reporter or "", flag_key, text or ""))
    return said


def count_complaints(
    *,
    environment_key: str,
    now: datetime,
    flag_keys: Collection[str] | None = None,
    site_keys: Collection[str] | None = None,
) -> int:
    """Return how many complaints count today, as `count_complaints_by_day` counts."""
    counts = count_complaints_by_day(
        environment_key=environment_key, now=now, days=1, flag_keys=flag_keys, site_keys=site_keys
    )
    return counts[-1]


def attribute(
    rows: QuerySet[Complaint], *, flag_keys: Collection[str] | None, site_keys: Collection[str] | None
) -> QuerySet[Complaint]:
    """Return the complaints that are about these flags at these sites, as `count_complaints_by_day` says."""
    if flag_keys is not None:
        rows = rows.filter(Q(flag__key__in=flag_keys) | Q(flag__isnull=True))
    if site_keys is not None:
        rows = rows.filter(Q(site__key__in=site_keys) | Q(flag__isnull=False))
    return rows


def list_counting(
    *, environment_key: str, now: datetime, days: int, statuses: Collection[str] = (ComplaintStatus.NEW,)
) -> QuerySet[Complaint]:
    """Return what counts and may have been said on one of the last days of its site, newest first."""
    since = now - timedelta(days=days + 1)
    return Complaint.objects.filter(
        environment__key=environment_key, status__in=statuses, logged_at__gte=since
    ).order_by("-pk")


def find_last_site(*, user_id: int) -> int | None:
    """Return the key of the site that a person logged their last complaint for."""
    return Complaint.objects.filter(logged_by_id=user_id).order_by("-pk").values_list("site_id", flat=True).first()


@dataclass(frozen=True)
class Point:
    """One bucket of a series: [start, start + width), its requests and errors of all tills."""

    start_at: datetime
    requests: int
    errors: int
    critical: int


def error_series(*, environment_key: str, since: datetime, until: datetime, buckets: int) -> list[Point]:
    """Return requests and errors in equal buckets of [since, until), overall samples only: one query.

    A minute of receipt counts where it begins; the one that the window begins in, where all of it tells
    of the time since.
    """
    width = (until - since) / buckets
    rows = (
        SiteMinute.objects.filter(
            Q(minute__gte=since) | Q(first_start_at__gte=since),
            environment__key=environment_key,
            flag=None,
            minute__gte=floor_minute(since),
            minute__lt=until,
        )
        .annotate(at=Greatest("minute", Value(since)))
        .annotate(bucket=_bucket_of("at", since=since, until=until, buckets=buckets))
        .values("bucket")
        .annotate(n=Sum("requests"), e=Sum("errors"), c=Sum("critical_errors") + Sum("integrity_errors"))
        .order_by("bucket")
    )
    found = {row["bucket"]: row for row in rows}
    nothing = {"n": 0, "e": 0, "c": 0}
    sums = [found.get(number, nothing) for number in range(1, buckets + 1)]
    return [Point(since + width * i, row["n"], row["e"], row["c"]) for i, row in enumerate(sums)]


def _bucket_of(field: str, *, since: datetime, until: datetime, buckets: int) -> Func:
    """Return PostgreSQL's number, from 1, of the equal bucket of [since, until) that a moment lies in."""
    moment = Cast(Extract(field, "epoch", tzinfo=UTC), FloatField())
    bounds = (Value(edge.timestamp(), output_field=FloatField()) for edge in (since, until))
    return Func(moment, *bounds, Value(buckets), function="width_bucket", output_field=IntegerField())


def count_reporting_tills(*, environment_key: str, till_keys: Collection[str], since: datetime) -> int:
    """Return how many of these tills have reported since a moment: one query."""
    rows = TillMinute.objects.filter(
        environment__key=environment_key,
        till__in=till_keys,
        minute__gte=floor_minute(since),
        last_received_at__gte=since,
    )
    return rows.values("till").distinct().count()


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
    """Return the sums of each flag at each site in the minutes of [since, until): one query."""
    rows = (
        SiteMinute.objects.filter(
            choose_flags(None),
            environment__key=environment_key,
            minute__gte=floor_minute(since),
            minute__lt=until,
        )
        .values("flag__key", "site__name")
        .annotate(n=Sum("requests"), e=Sum("errors"), c=Sum("critical_errors"), i=Sum("integrity_errors"))
        .order_by("flag__key", "site__name")
    )
    return [FlagFigures(r["flag__key"], r["site__name"], r["n"], r["e"], r["c"], r["i"]) for r in rows]


def newest_verdicts(*, environment_key: str) -> list[StoredVerdict]:
    """Return the newest stored verdict of each lane on each flag of an environment: one query."""
    rows = StoredVerdict.objects.filter(environment_key=environment_key)
    return list(rows.order_by("flag_key", "lane", "-pk").distinct("flag_key", "lane"))


@dataclass(frozen=True)
class FlagVerdicts:
    """A flag's newest verdict of each lane."""

    flag_key: str
    lanes: Sequence[StoredVerdict]

    @property
    def is_unanimous(self) -> bool:
        """Whether one word says it all."""
        return len({one.verdict for one in self.lanes}) == 1


def verdicts_by_flag(*, environment_key: str) -> list[FlagVerdicts]:
    """Return an environment's newest verdicts, flag by flag: one query."""
    rows = groupby(newest_verdicts(environment_key=environment_key), key=lambda one: one.flag_key)
    return [FlagVerdicts(key, list(lanes)) for key, lanes in rows]


@dataclass(frozen=True)
class Report:
    """What a site last sent in a window; `last_at` is None where it sent nothing."""

    site_name: str
    phone: str
    last_at: datetime | None
    tills: int


def last_reports(*, environment_key: str, since: datetime, until: datetime) -> list[Report]:
    """Return every site's last report received in [since, until), silent sites too: two queries."""
    found = {
        row["site"]: row
        for row in TillMinute.objects.filter(
            environment__key=environment_key,
            minute__gte=floor_minute(since),
            minute__lt=until,
            last_received_at__gte=since,
        )
        .values("site")
        .annotate(last=Max("last_received_at"), tills=Count("till", distinct=True, filter=~Q(till="")))
    }
    return [
        Report(site.name, site.phone, found[site.pk]["last"], found[site.pk]["tills"])
        if site.pk in found
        else Report(site.name, site.phone, None, 0)
        for site in Site.objects.all()
    ]
