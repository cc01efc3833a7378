"""Reads the recorded past for a replay: block by block, so that a long one needs no more memory than a short one."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.postgres.aggregates import StringAgg
from django.db.models import Value

from health.domain import alert_lane, critical_lane, error_rate, performance
from health.domain.exposure import Exposure
from health.domain.guardrail import Act
from health.domain.minutes import A_MINUTE, floor_minute
from health.domain.sequential import Minute
from health.domain.share_lane import WINDOW, Memory
from health.looks import Look, Seen
from health.models import Decision, SiteMinute
from health.performance_queries import read_usual, read_zones, see_slow
from health.rollup_queries import (
    FlagSums,
    Latency,
    Scope,
    choose_flags,
    read_latency,
    sum_flag_minutes,
    sum_sites_of_flag,
)
from health.share_queries import join_minutes

#: So much is read at once.
BLOCK = timedelta(hours=6)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_BETWEEN = "\n"

#: What a block holds, by minute.
Block = Mapping[datetime, object]


def find_forgotten_before(*, lane: str, now: datetime) -> datetime:
    """Return before when what a lane is judged from is past its retention."""
    days = {
        performance.LANE: performance.MINUTES_DAYS,
        critical_lane.LANE: settings.SAMPLE_RETENTION_DAYS,
        alert_lane.LANE: settings.ALERT_RETENTION_DAYS,
    }.get(lane, settings.SITE_MINUTE_RETENTION_DAYS)
    return (now - timedelta(days=days)).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def list_decisions_of(*, subject: str, lane: str, until: datetime) -> list[Decision]:
    """Return what a lane really decided on a subject, oldest first: one query."""
    return list(Decision.objects.filter(subject=subject, lane=lane, at__lte=until).order_by("at", "pk"))


def list_holds_of(decisions: Collection[Decision], *, before: datetime) -> dict[str, list[datetime]]:
    """Return when a lane had held before a moment, by flag."""
    found: dict[str, list[datetime]] = defaultdict(list)
    for one in decisions:
        if one.act == Act.HELD and one.at <= before:
            found[one.flag_key].append(one.at)
    return found


class SiteSums(NamedTuple):
    """All requests of one site's minute."""

    site_key: str
    minute: datetime
    requests: int
    errors: int
    spread_requests: float
    spread_errors: int


class Pooled:
    """The minutes of all requests, summed over the sites where a flag is not on; once for each set of sites."""

    def __init__(self, rows: Iterable[SiteSums]) -> None:
        self._rows = list(rows)
        self._known: dict[frozenset[str], dict[datetime, Minute]] = {}
        self._sites = frozenset(row.site_key for row in self._rows)

    def leave_out(self, exposure: Exposure, reporting: Mapping[str, frozenset[str]]) -> dict[datetime, Minute]:
        """Return the minutes of the sites that do not see a flag, nor report it."""
        sites = frozenset(
            site
            for site in self._sites
            if not exposure.covers_site(site) and site not in reporting.get(exposure.flag_key, ())
        )
        if sites not in self._known:
            sums: dict[datetime, Minute] = defaultdict(Minute)
            for row in self._rows:
                if row.site_key in sites:
                    sums[row.minute] += Minute(row.requests, row.errors, row.spread_requests, row.spread_errors)
            self._known[sites] = dict(sums)
        return self._known[sites]


class Record:
    """What tills reported, as looks at past moments would have found it; each block is read once."""

    def __init__(self, *, environment_key: str, lane: str, subject: str, flag_keys: Sequence[str]) -> None:
        self._environment_key, self._flag_keys = environment_key, list(flag_keys)
        self._lane, self._subject = lane, subject
        self._blocks: dict[tuple[datetime, object], Block] = {}
        self._newest = _EPOCH
        self._found: tuple[datetime, dict[object, Seen]] = (_EPOCH, {})
        self._pooled: dict[tuple[datetime, datetime], Pooled] = {}
        self._usual = read_usual([subject]).get(subject) if lane == performance.LANE else None
        self._zones = read_zones() if lane == performance.LANE else {}

    def read(self, look: Look, memory: Memory, *, now: datetime) -> Seen:
        """Return the minutes since a memory that had begun before a moment."""
        if self._found[0] != now:
            self._found, self._pooled = (now, {}), {}
        exposure, limit_bp = look.exposure, look.limit_bp if self._lane == performance.LANE else 0
        key = (exposure.flag_key, exposure.everyone, exposure.site_keys, memory.until, memory.floor_at, limit_bp)
        found = self._found[1].get(key)
        if found is None:
            read = self._read_errors if self._lane == error_rate.LANE else self._read_slow
            found = self._found[1][key] = read(look, memory, now)
        return found

    def sum_sites(self, *, flag_key: str, since: datetime, until: datetime) -> dict[str, tuple[int, int]]:
        """Return requests and errors of a flag by site: one query."""
        return sum_sites_of_flag(environment_key=self._environment_key, flag_key=flag_key, since=since, until=until)

    def _read_errors(self, look: Look, memory: Memory, now: datetime) -> Seen:
        flag_key, floor_at = look.exposure.flag_key, memory.floor_at
        own: list[FlagSums] = self._list(("own", flag_key, floor_at), memory.until, now)
        pooled = self._pooled.get((memory.until, now))
        if pooled is None:
            rows: list[SiteSums] = [row for rows in self._list("overall", memory.until, now) for row in rows]
            pooled = self._pooled[memory.until, now] = Pooled(rows)
        reporting = frozenset[str]()
        if not look.exposure.everyone:
            named: list[Mapping[str, frozenset[str]]] = self._list(
                "reporting", max(memory.until, floor_minute(now - WINDOW)), now
            )
            reporting = reporting.union(*(one.get(flag_key, ()) for one in named))
        return Seen(tuple(join_minutes(own, pooled.leave_out(look.exposure, {flag_key: reporting}))))

    def _read_slow(self, look: Look, memory: Memory, now: datetime) -> Seen:
        by_flag: dict[str | None, list[Latency]] = defaultdict(list)
        rows: list[list[Latency]] = self._list("latency", floor_minute(min(memory.until, now - WINDOW)), now)
        for minute in rows:
            for row in minute:
                by_flag[row.flag_key].append(row)
        return see_slow(look, by_flag, self._usual, self._zones, floor_at=memory.floor_at)

    def _list(self, what: object, since: datetime, until: datetime) -> list[Any]:
        """Return what the minutes that begin in [since, until) hold, in order."""
        found = []
        minute = floor_minute(since)
        if minute < since:
            minute += A_MINUTE
        while minute < until:
            held = self._get_block(what, minute).get(minute)
            if held is not None:
                found.append(held)
            minute += A_MINUTE
        return found

    def _get_block(self, what: object, minute: datetime) -> Block:
        begin = minute - (minute - _EPOCH) % BLOCK
        block = self._blocks.get((begin, what))
        if block is None:
            if begin > self._newest:
                self._newest = begin
                self._blocks = {key: one for key, one in self._blocks.items() if key[0] >= begin - BLOCK}
            block = self._blocks[begin, what] = self._read_block(what, begin)
        return block

    def _read_block(self, what: object, begin: datetime) -> Block:
        """Return six hours of something: one query."""
        span = {"environment_key": self._environment_key, "since": begin, "until": begin + BLOCK}
        if isinstance(what, tuple):
            _own, flag_key, floor_at = what
            rows = sum_flag_minutes(scopes=[Scope(flag_key, start_after=floor_at)], **span)  # type: ignore[arg-type]  # each of its own type
            return {row.minute: row for row in rows}
        by_minute: dict[datetime, list[object]] = defaultdict(list)
        if what == "overall":
            for sums in self._read_overall(begin):
                by_minute[sums.minute].append(sums)
        elif what == "latency":
            for latency in read_latency(flag_keys=self._flag_keys, **span):  # type: ignore[arg-type]  # as above
                by_minute[latency.at].append(latency)
        else:
            return self._read_reporting(begin)
        return dict(by_minute)

    def _read_overall(self, begin: datetime) -> Iterator[SiteSums]:
        """Yield the minutes of all requests by site, whatever was on: one query."""
        rows = SiteMinute.objects.filter(
            environment__key=self._environment_key, flag=None, minute__gte=begin, minute__lt=begin + BLOCK
        )
        for row in rows.order_by("minute", "site__key").values_list("site__key", *SiteSums._fields[1:]):
            yield SiteSums(*row)

    def _read_reporting(self, begin: datetime) -> Block:
        """Return the sites that reported each flag as on for somebody: one query."""
        rows = SiteMinute.objects.filter(
            choose_flags(self._flag_keys),
            environment__key=self._environment_key,
            minute__gte=begin,
            minute__lt=begin + BLOCK,
        )
        named = (
            rows.order_by().values_list("minute", "flag__key").annotate(sites=StringAgg("site__key", Value(_BETWEEN)))
        )
        found: dict[datetime, dict[str, frozenset[str]]] = defaultdict(dict)
        for minute, flag_key, sites in named:
            found[minute][flag_key] = frozenset(sites.split(_BETWEEN))
        return dict(found)
