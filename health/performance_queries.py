"""Reads of the performance lane: slow requests by minute, beside what was usual when the subject started."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from flags.models import Site
from health.domain.baseline import Usual, UsualKey, get_usual
from health.domain.histogram import Histogram, count_above, find_quantile, merge
from health.domain.minutes import A_MINUTE
from health.domain.performance import LEAST_WORSE_MS, P95, get_slow_bound_ms
from health.domain.sequential import Minute, spread
from health.domain.share_lane import WINDOW, SeenMinute
from health.looks import Asked, Look, Seen
from health.models import UsualLatency
from health.rollup_queries import Latency, read_latency

#: A site's own drift is known from so many requests.
LEAST_DRIFT_REQUESTS = 400


@dataclass(frozen=True)
class Yardstick:
    """What was usual, and how much slower everything is today where no flag is on, 1 or more."""

    usual: Mapping[UsualKey, Usual]
    zones: Mapping[str, ZoneInfo]
    drift: float = 1.0

    def find(self, row: Latency) -> float | None:
        """Return the usual p95 of a row's place and time in milliseconds, None where it is not known."""
        local = row.at.astimezone(self.zones[row.site_key])
        found = get_usual(self.usual, site_key=row.site_key, transaction=row.transaction, local=local)
        return None if found is None else found.p95_ms * self.drift

    def judge(self, row: Latency, *, degradation_bp: int) -> Minute | None:
        """Return how many of a site's minute were slow, None where nothing is known to compare with."""
        usual = self.find(row)
        if usual is None:
            return None
        bound = get_slow_bound_ms(usual_p95_ms=usual, degradation_bp=degradation_bp)
        return spread(requests=row.requests, errors=min(round(count_above(row.histogram, bound)), row.requests))


def read_usual(subjects: Collection[str]) -> dict[str, dict[UsualKey, Usual]]:
    """Return what was usual for each subject that has a baseline: one query."""
    rows = UsualLatency.objects.filter(baseline__subject__in=subjects)
    found: dict[str, dict[UsualKey, Usual]] = {}
    names = ("baseline__subject", "site__key", "transaction", "weekday", "hour", "p95_ms", "requests")
    for subject, site_key, name, weekday, hour, p95_ms, requests in rows.values_list(*names):
        found.setdefault(subject, {})[UsualKey(site_key, name, weekday, hour)] = Usual(p95_ms, requests)
    return found


def read_slow_minutes(environment_key: str, asked: Asked, now: datetime) -> dict[int, Seen]:
    """Return the minutes since each look's memory: requests and slow ones where the flag is on, and where it is not."""
    usual = read_usual({look.exposure.subject for look, _memory in asked.values()})
    if not usual:
        return {index: Seen(missing="no_baseline") for index in asked}
    since = min(*(memory.until for _look, memory in asked.values()), now - WINDOW)
    flag_keys = {look.exposure.flag_key for look, _memory in asked.values()}
    rows = read_latency(environment_key=environment_key, flag_keys=flag_keys, since=since, until=now + A_MINUTE)
    by_flag: dict[str | None, list[Latency]] = defaultdict(list)
    for row in rows:
        by_flag[row.flag_key].append(row)
    zones = read_zones()
    return {
        index: see_slow(look, by_flag, usual.get(look.exposure.subject), zones, floor_at=memory.floor_at)
        for index, (look, memory) in asked.items()
    }


def read_zones() -> dict[str, ZoneInfo]:
    """Return the zone of each site: one query."""
    return {key: ZoneInfo(zone) for key, zone in Site.objects.values_list("key", "time_zone")}


def see_slow(
    look: Look,
    by_flag: Mapping[str | None, Sequence[Latency]],
    usual: Mapping[UsualKey, Usual] | None,
    zones: Mapping[str, ZoneInfo],
    *,
    floor_at: datetime,
) -> Seen:
    """Return what latency by flag (None: whatever was on) says to a look, beside what was usual for its subject."""
    if not usual:
        return Seen(missing="no_baseline")
    own = [row for row in by_flag[look.exposure.flag_key] if row.at >= floor_at]
    sites = {row.site_key for row in own}
    others = [row for row in by_flag[None] if row.site_key not in sites and not look.exposure.covers_site(row.site_key)]
    today = Yardstick(usual, zones, drift=find_drift(others, Yardstick(usual, zones)))
    exposed = _sum_minutes(own, today, degradation_bp=look.limit_bp)
    # Where it is off the drift itself is what is asked for.
    unexposed = _sum_minutes(others, Yardstick(usual, zones), degradation_bp=look.limit_bp)
    if own and not exposed:
        return Seen(missing="no_baseline")
    return Seen(
        tuple(
            SeenMinute(
                at,
                exposed.get(at, Minute()),
                unexposed.get(at, Minute()),
                at + A_MINUTE if at in exposed else None,
                at + A_MINUTE if at in exposed else None,
            )
            for at in sorted(exposed.keys() | unexposed.keys())
        )
    )


def find_drift(rows: Iterable[Latency], yardstick: Yardstick) -> float:
    """Return how much slower than usual it is where the flag is off, at least 1: weather of the whole fleet."""
    parts: list[Histogram] = []
    weighed = requests = 0.0
    for row in rows:
        usual = yardstick.find(row)
        if usual is not None:
            parts.append(row.histogram)
            weighed += usual * row.requests
            requests += row.requests
    p95 = find_quantile(merge(parts), P95) if requests >= LEAST_DRIFT_REQUESTS else None
    if p95 is None or p95 < weighed / requests + LEAST_WORSE_MS / 10:
        return 1.0
    return max(p95 / (weighed / requests), 1.0)


def _sum_minutes(rows: Iterable[Latency], yardstick: Yardstick, *, degradation_bp: int) -> dict[datetime, Minute]:
    found: dict[datetime, Minute] = {}
    for row in rows:
        minute = yardstick.judge(row, degradation_bp=degradation_bp)
        if minute is not None:
            found[row.at] = found.get(row.at, Minute()) + minute
    return found
