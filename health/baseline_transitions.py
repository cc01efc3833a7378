"""Freezes what is usual when a subject is first exposed."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from core.domain.business_time import day_bounds, local_day
from flags.models import Environment, Site
from health.day_queries import sum_requests_by_day
from health.domain.baseline import HourOfSite, find_usual, list_baseline_days
from health.domain.performance import BASELINE_WEEKS
from health.models import Baseline, UsualLatency
from health.queries import count_complaints_by_day
from health.rollup_queries import read_latency

#: Rows written at once.
BATCH = 1_000


@transaction.atomic
def freeze_baseline(
    *, subject: str, environment_key: str, since: datetime, excluded: Collection[date], zone: ZoneInfo
) -> Baseline | None:
    """Keep what was usual in the four weeks before `since`, without holidays and excluded days; None where it is kept.

    Figures without any request make an empty baseline: what is not known is told as not known.
    """
    environment = Environment.objects.select_for_update(of=("self",)).get(key=environment_key)
    if Baseline.objects.filter(subject=subject).exists():
        return None
    frozen_on = local_day(since, zone=zone)
    days = list_baseline_days(frozen_on=frozen_on, excluded=excluded)
    first = day_bounds(days[0] if days else frozen_on, zone=zone)[0]
    by_day = sum_requests_by_day(environment_key=environment_key, since=first, until=since, zone=zone)
    sums = [by_day.get(day, (0, 0)) for day in days]
    said = count_complaints_by_day(environment_key=environment_key, now=since, days=BASELINE_WEEKS * 7 + 1)
    complaints = [said[-1 - (frozen_on - day).days] for day in days]
    baseline = Baseline.objects.create(
        subject=subject,
        environment=environment,
        frozen_at=since,
        first_on=days[0] if days else frozen_on,
        last_on=days[-1] if days else frozen_on,
        excluded=sorted(day.isoformat() for day in excluded if first.date() <= day < frozen_on),
        requests=sum(requests for requests, _errors in sums),
        errors=sum(errors for _requests, errors in sums),
        complaints_a_day=sum(complaints) / len(complaints) if complaints else 0.0,
    )
    _keep_latency(baseline, since=first - timedelta(days=1), until=since, days=days)
    return baseline


def _keep_latency(baseline: Baseline, *, since: datetime, until: datetime, days: Collection[date]) -> None:
    sites = {site.key: site for site in Site.objects.all()}
    hours = (
        HourOfSite(row.site_key, row.transaction, row.at, row.histogram)
        for row in read_latency(
            environment_key=baseline.environment.key, flag_keys=[], since=since, until=until, by_hour=True
        )
    )
    zones = {key: ZoneInfo(site.time_zone) for key, site in sites.items()}
    usual = find_usual(hours, zones=zones, days=set(days))
    UsualLatency.objects.bulk_create(
        [
            UsualLatency(
                baseline=baseline,
                site=sites[key.site_key] if key.site_key else None,
                transaction=key.transaction,
                weekday=key.weekday,
                hour=key.hour,
                p95_ms=found.p95_ms,
                requests=found.requests,
            )
            for key, found in usual.items()
        ],
        batch_size=BATCH,
    )
