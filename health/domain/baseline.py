"""What is usual: same sites, same weekday and hour, the four weeks before (design §5). Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from core.domain.business_time import is_public_holiday
from health.domain.histogram import Histogram, count_all, find_quantile, merge
from health.domain.performance import BASELINE_WEEKS, LEAST_BASELINE_REQUESTS, P95


class UsualKey(NamedTuple):
    """Where and when something is usual; `site_key` None: at all sites together."""

    site_key: str | None
    transaction: str
    weekday: int
    hour: int


@dataclass(frozen=True)
class Usual:
    p95_ms: float
    requests: int


class HourOfSite(NamedTuple):
    """What one site's transaction took in one hour, `at` its beginning."""

    site_key: str
    transaction: str
    at: datetime
    histogram: Histogram


def list_baseline_days(*, frozen_on: date, excluded: Collection[date]) -> list[date]:
    """Return the civil days that a baseline is made of: four weeks before, without holidays and excluded ones."""
    days = [frozen_on - timedelta(days=ago) for ago in range(BASELINE_WEEKS * 7, 0, -1)]
    return [day for day in days if not is_public_holiday(day) and day not in excluded]


def find_usual(
    hours: Iterable[HourOfSite], *, zones: Mapping[str, ZoneInfo], days: Collection[date]
) -> dict[UsualKey, Usual]:
    """Return the usual p95 by site, transaction, weekday and hour, and of all sites; what has too few is out."""
    parts: dict[UsualKey, list[Histogram]] = {}
    for hour in hours:
        local = hour.at.astimezone(zones[hour.site_key])
        if local.date() not in days:
            continue
        for site_key in (hour.site_key, None):
            key = UsualKey(site_key, hour.transaction, local.weekday(), local.hour)
            parts.setdefault(key, []).append(hour.histogram)
    found: dict[UsualKey, Usual] = {}
    for key, histograms in parts.items():
        pooled = merge(histograms)
        requests, p95 = int(count_all(pooled)), find_quantile(pooled, P95)
        if p95 is not None and requests >= LEAST_BASELINE_REQUESTS:
            found[key] = Usual(p95, requests)
    return found


def get_usual(usual: Mapping[UsualKey, Usual], *, site_key: str, transaction: str, local: datetime) -> Usual | None:
    """Return what is usual at a site at a local moment: its own, else that of all sites together."""
    for where in (site_key, None):
        found = usual.get(UsualKey(where, transaction, local.weekday(), local.hour))
        if found is not None:
            return found
    return None
