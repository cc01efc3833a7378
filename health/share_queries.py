"""Reads of the share lanes: what they remember, what came since, what follows. A few queries for all rollouts."""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec
from django.db import DatabaseError, transaction
from django.db.models import TextField
from django.db.models.functions import Cast

from flags.models import Site
from health.domain import error_rate, performance
from health.domain.exposure import Exposure
from health.domain.minutes import A_MINUTE
from health.domain.sequential import Minute
from health.domain.share_lane import (
    WINDOW,
    Memory,
    SeenMinute,
    begin,
    is_still_good,
    judge_share,
)
from health.domain.verdict import Judgement, Verdict
from health.looks import Asked, Look, Seen
from health.models import LaneMemory
from health.performance_queries import read_slow_minutes
from health.rollup_queries import FlagSums, Scope, list_reporting_sites, sum_flag_minutes, sum_overall_minutes

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sight:
    """What a look finds: the memory before it and what came since; None where that could not be read."""

    look: Look
    memory: Memory
    seen: Seen | None

    @property
    def minutes(self) -> Sequence[SeenMinute]:
        return self.seen.minutes if self.seen else ()

    def judge(self, *, now: datetime) -> Judgement:
        """Return the verdict; a fault while reading is verdict `error`, never healthy."""
        exposure, lane = self.look.exposure, self.look.lane
        if self.seen is None:
            return self._say(Verdict.ERROR, "fault", now=now)
        if self.seen.missing:
            return self._say(Verdict.INCONCLUSIVE, self.seen.missing, now=now)
        try:
            found = judge_share(exposure, self.memory, self.minutes, lane=lane, threshold=self.look.threshold, now=now)
        except (ArithmeticError, LookupError, TypeError, ValueError):
            log.exception("lane %s failed on %s", lane, exposure.flag_key)
            return self._say(Verdict.ERROR, "fault", now=now)
        return replace(found, data={**found.data, "threshold_bp": self.look.limit_bp})

    def _say(self, verdict: Verdict, code: str, *, now: datetime) -> Judgement:
        exposure = self.look.exposure
        return Judgement(
            verdict=verdict,
            lane=self.look.lane,
            flag_key=exposure.flag_key,
            n=0,
            k=0,
            window_start=max(now - WINDOW, exposure.blamed_from),
            window_end=now,
            threshold=self.look.threshold,
            code=code,
            data={},
        )


def judge_looks(looks: Sequence[Look], *, now: datetime) -> list[Judgement]:
    """Return the judgement of each look, without remembering anything."""
    return [sight.judge(now=now) for sight in take_looks(looks, now=now)]


def take_looks(looks: Sequence[Look], *, now: datetime) -> list[Sight]:
    """Return what each look finds, in their order: one query for the memories, four for each environment and lane."""
    memories = _read_memories({look.exposure.subject for look in looks})
    seen: dict[int, Sight] = {}
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, look in enumerate(looks):
        groups[look.exposure.environment_key, look.lane].append(index)
    for (environment_key, lane), indexes in groups.items():
        known = {index: _get_memory(looks[index], memories, now=now) for index in indexes}
        reader = READERS[lane]
        try:
            with transaction.atomic():
                found = reader(environment_key, {i: (looks[i], known[i]) for i in indexes}, now)
        except DatabaseError:
            log.exception("lane %s cannot read its minutes in %s", lane, environment_key)
            found = {}
        for index in indexes:
            seen[index] = Sight(looks[index], known[index], found.get(index))
    return [seen[index] for index in range(len(looks))]


def _read_memories(subjects: Collection[str]) -> dict[tuple[str, str, str], str]:
    """Return the memories as they are written: read as JSON first, and then as what they are, they cost double."""
    rows = LaneMemory.objects.filter(subject__in=subjects).annotate(text=Cast("data", TextField()))
    names = ("subject", "lane", "flag_key", "text")
    return {(subject, lane, flag_key): text for subject, lane, flag_key, text in rows.values_list(*names)}


#: Quick and, as what it reads was written by the portal itself, as strict as it must be.
_read_memory = msgspec.json.Decoder(Memory).decode


def _get_memory(look: Look, memories: Mapping[tuple[str, str, str], str], *, now: datetime) -> Memory:
    """Return what the lane remembers of the flag; a beginning where that is of another one, or unreadable."""
    text = memories.get(look.key)
    if text is not None:
        try:
            memory = _read_memory(text)
        except msgspec.ValidationError:
            log.warning("what lane %s knows of %s cannot be read: it begins anew", look.lane, look.exposure.flag_key)
        else:
            if is_still_good(memory, look.exposure, limit_bp=look.share_bp, setting_bp=look.limit_bp):
                return memory
    return begin(look.exposure, limit_bp=look.share_bp, setting_bp=look.limit_bp, now=now)


def read_error_minutes(environment_key: str, asked: Asked, now: datetime) -> dict[int, Seen]:
    """Return the minutes since each look's memory: requests and errors where the flag is on, and where it is not."""
    since = min(memory.until for _look, memory in asked.values())
    until = now + A_MINUTE
    beginnings = {look.exposure.flag_key: memory.floor_at for look, memory in asked.values()}
    own: dict[str, list[FlagSums]] = defaultdict(list)
    scopes = [Scope(flag_key, start_after=floor_at) for flag_key, floor_at in beginnings.items()]
    for row in sum_flag_minutes(environment_key=environment_key, scopes=scopes, since=since, until=until):
        own[row.flag_key or ""].append(row)
    exposures = [look.exposure for look, _memory in asked.values()]
    elsewhere = _list_elsewhere(environment_key, exposures, since=max(since, now - WINDOW))
    pooled = sum_overall_minutes(environment_key=environment_key, site_sets=set(elsewhere), since=since, until=until)
    return {
        index: Seen(tuple(join_minutes(own[exposure.flag_key], pooled.get(sites, {}))))
        for index, exposure, sites in zip(asked, exposures, elsewhere, strict=True)
    }


def _list_elsewhere(environment_key: str, exposures: Sequence[Exposure], *, since: datetime) -> list[frozenset[int]]:
    """Return, for each exposure, the sites that neither see its flag nor report it for somebody: two queries."""
    partly = {exposure.flag_key for exposure in exposures if not exposure.everyone}
    reporting = list_reporting_sites(environment_key=environment_key, flag_keys=partly, since=since)
    keys = dict(Site.objects.values_list("key", "pk"))
    return [
        frozenset(pk for key, pk in keys.items() if key not in exposure.site_keys)
        - reporting.get(exposure.flag_key, frozenset())
        if not exposure.everyone
        else frozenset()
        for exposure in exposures
    ]


def join_minutes(own: Iterable[FlagSums], others: Mapping[datetime, Minute]) -> Iterable[SeenMinute]:
    """Yield the minutes in which anything was reported, in order."""
    by_minute = {row.minute: row for row in own}
    for at in sorted(by_minute.keys() | others.keys()):
        row = by_minute.get(at)
        unexposed = others.get(at, Minute())
        if row is None:
            yield SeenMinute(at, Minute(), unexposed)
        else:
            exposed = Minute(row.requests, row.errors, row.spread_requests, row.spread_errors)
            yield SeenMinute(at, exposed, unexposed, row.last_ends_at, row.last_received_at)


READERS = {error_rate.LANE: read_error_minutes, performance.LANE: read_slow_minutes}
