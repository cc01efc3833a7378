"""Samples out of a monitoring system's raw counters (ADR 39).

What is read are the scrapes themselves, with their own times: no extrapolation, no value carried on over a
gap. A difference between two scrapes of one series belongs to the window that the later one lies in.
"""

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from math import ceil, floor, inf, isfinite

from health.domain.samples import MAX_BOUND_MS, MAX_BUCKETS, MAX_COUNT, SampleValue

#: Two scrapes further apart say nothing of when it happened: a scrape a minute may fail once.
LOOKBACK_MS = 150_000
#: A counter holds whole numbers; this is the room for how they are written.
ROUNDING = 1e-6
#: Of `name{label="value"}`: the name, and the labels that are matched.
METRIC = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)")
MATCHED = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)\s*(?:=~|!~|!=|=)")

Labels = Mapping[str, str]


@dataclass(frozen=True)
class RawSeries:
    """One series: its labels and its scrapes (milliseconds since 1970, value), the oldest first."""

    labels: Labels
    scrapes: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class LabelNames:
    """Which label holds what; empty: none does."""

    site: str
    flag: str = ""
    till: str = ""
    transaction: str = ""


@dataclass(frozen=True)
class Raw:
    """What was read of one stretch of time. `latency` is empty where it is not asked for."""

    requests: Sequence[RawSeries]
    errors: Sequence[RawSeries]
    latency: Sequence[RawSeries] = ()


@dataclass(frozen=True)
class Known:
    site_keys: Collection[str]
    flag_keys: Collection[str]


@dataclass
class Counted:
    """The samples, and what was odd: labels that name nothing of ours, and faults by code."""

    samples: list[SampleValue] = field(default_factory=list)
    unknown_sites: set[str] = field(default_factory=set)
    unknown_flags: set[str] = field(default_factory=set)
    faults: set[str] = field(default_factory=set)
    newest_ms: int = 0


@dataclass(frozen=True)
class Window:
    """[start_ms, end_ms)."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True)
class Growth:
    """What a series grew by in a window, between its first and last scrape that tell of it."""

    start_ms: int
    end_ms: int
    amount: int


Key = tuple[str, str, str, str]


def count_windows(raw: Raw, windows: Sequence[Window], *, names: LabelNames, known: Known) -> Counted:
    """Return a sample for each window and each site, flag, till and transaction that had a scrape in it."""
    counted = Counted(newest_ms=max((one.scrapes[-1][0] for one in raw.requests if one.scrapes), default=0))
    for window in windows:
        _count_window(counted, raw, window, names=names, known=known)
    return counted


def errors_may_be_none(errors_query: str, requests: Sequence[RawSeries]) -> bool:
    """Tell whether no series of errors means no error.

    It does where errors are picked from the very requests that were found, by labels that those have. A counter
    of its own that is not there may as well be misspelt.
    """
    name = METRIC.match(errors_query)
    if name is None:
        return False
    matched = set(MATCHED.findall(errors_query.partition("{")[2]))
    return any(one.labels.get("__name__") == name[1] and matched <= one.labels.keys() for one in requests)


@dataclass
class _Look:
    """One look at one window; `broken`: whose figures cannot be trusted in it."""

    window: Window
    targets: Mapping[tuple[str, str], Sequence[int]]
    names: LabelNames
    known: Known
    counted: Counted
    broken: set[Key] = field(default_factory=set)


def _count_window(counted: Counted, raw: Raw, window: Window, *, names: LabelNames, known: Known) -> None:
    targets = _list_targets([*raw.requests, *raw.errors, *raw.latency], window)
    look = _Look(window, targets, names, known, counted)
    requests, errors, buckets = _sum(look, raw.requests), _sum(look, raw.errors), _sum_buckets(look, raw.latency)
    for key, grown in sorted(requests.items()):
        failed = errors[key].amount if key in errors else 0
        if failed > grown.amount or grown.amount > MAX_COUNT:
            counted.faults.add("more_errors_than_requests" if failed > grown.amount else "too_many_requests")
        elif key not in look.broken:
            latency = _compose_latency(buckets.get(key, {}), requests=grown.amount)
            counted.samples.append(_compose_sample(key, window, grown, failed=failed, latency=latency))


def _list_targets(series: Sequence[RawSeries], window: Window) -> dict[tuple[str, str], list[int]]:
    """Return when each target was scraped, in the window and shortly before it, in order."""
    found: dict[tuple[str, str], set[int]] = {}
    for one in series:
        times = (at for at, _value in one.scrapes if window.start_ms - LOOKBACK_MS <= at < window.end_ms)
        found.setdefault(_target(one), set()).update(times)
    return {target: sorted(times) for target, times in found.items()}


def _target(series: RawSeries) -> tuple[str, str]:
    return series.labels.get("job", ""), series.labels.get("instance", "")


def _find_base(series: RawSeries, window: Window) -> tuple[int, float] | None:
    before = [scrape for scrape in series.scrapes if window.start_ms - LOOKBACK_MS <= scrape[0] < window.start_ms]
    return before[-1] if before else None


def measure_growth(series: RawSeries, window: Window, *, target_times: Sequence[int]) -> Growth | None:
    """Return what a series grew by in a window, None where nothing tells; raises ValueError with a fault's code.

    A value that falls is a counter that began anew: all it holds came since. A series that is new at a target which
    was scraped before began at zero; at a target that is new itself, its first scrape is where counting begins.
    """
    inside = [scrape for scrape in series.scrapes if window.start_ms <= scrape[0] < window.end_ms]
    if not inside:
        return None
    base = _find_base(series, window)
    if base is None and (earlier := [at for at in target_times if at < inside[0][0]]):
        base = (earlier[-1], 0.0)
    scrapes = inside if base is None else [base, *inside]
    if len(scrapes) < 2:
        return None
    if not all(isfinite(value) and value >= 0 for _at, value in scrapes):
        raise ValueError("not_a_number")
    grown = sum(after - before if after >= before else after for (_, before), (_, after) in pairwise(scrapes))
    if abs(grown - round(grown)) > ROUNDING:
        raise ValueError("not_whole")
    return Growth(scrapes[0][0], scrapes[-1][0], round(grown))


def _measure(look: _Look, key: Key, one: RawSeries) -> Growth | None:
    """Return what a series grew by; whose series makes no sense is not counted at all in this window."""
    try:
        return measure_growth(one, look.window, target_times=look.targets.get(_target(one), ()))
    except ValueError as fault:
        look.counted.faults.add(str(fault))
        look.broken.add(key)
        return None


def _sum(look: _Look, series: Sequence[RawSeries]) -> dict[Key, Growth]:
    sums: dict[Key, Growth] = {}
    for one in series:
        key = _find_key(look, one.labels)
        grown = _measure(look, key, one) if key else None
        if key is None or grown is None:
            continue
        was = sums.get(key, Growth(grown.start_ms, grown.end_ms, 0))
        start, end = min(was.start_ms, grown.start_ms), max(was.end_ms, grown.end_ms)
        sums[key] = Growth(start, end, was.amount + grown.amount)
    return sums


def _sum_buckets(look: _Look, series: Sequence[RawSeries]) -> dict[Key, dict[float, int]]:
    """Return by key how many requests took at most so many milliseconds."""
    sums: dict[Key, dict[float, int]] = {}
    for one in series:
        key, bound = _find_key(look, one.labels), _read_bound(one.labels)
        grown = _measure(look, key, one) if key and bound is not None else None
        if key is None or bound is None or grown is None:
            continue
        kept = sums.setdefault(key, {})
        kept[bound] = kept.get(bound, 0) + grown.amount
    return sums


def _find_key(look: _Look, labels: Labels) -> Key | None:
    """Return whose requests a series counts, None where its site or flag is none of ours."""
    names = look.names
    site, flag = labels.get(names.site, ""), labels.get(names.flag, "")
    if site not in look.known.site_keys:
        look.counted.unknown_sites.add(site[:100])
        return None
    if flag and flag not in look.known.flag_keys:
        look.counted.unknown_flags.add(flag[:100])
        return None
    return site, flag, labels.get(names.till, "")[:100], labels.get(names.transaction, "")[:100]


def _read_bound(labels: Labels) -> float | None:
    """Return a bucket's bound in milliseconds; metrics count in seconds unless their name says otherwise."""
    try:
        bound = float(labels.get("le", ""))
    except ValueError:
        return None
    name = labels.get("__name__", "")
    is_milliseconds = name.endswith(("_milliseconds_bucket", "_ms_bucket"))
    return bound if is_milliseconds or bound == inf else round(bound * 1_000, 6)


def _compose_latency(cumulative: Mapping[float, int], *, requests: int) -> Mapping[str, object] | None:
    """Return the histogram of a sample, None where it does not add up to the requests."""
    bounds = sorted(cumulative)
    counts = [cumulative[bound] for bound in bounds]
    if not bounds or bounds[-1] != inf or counts[-1] != requests or not requests:
        return None
    steps = [counts[0], *(after - before for before, after in pairwise(counts))]
    are_bounds = bounds[0] >= 0 and all(bound <= MAX_BOUND_MS for bound in bounds[:-1])
    if min(steps) < 0 or len(bounds) > MAX_BUCKETS or not are_bounds:
        return None
    return {"bounds": [int(bound) if bound.is_integer() else bound for bound in bounds[:-1]], "counts": steps}


def _compose_sample(
    key: Key, window: Window, grown: Growth, *, failed: int, latency: Mapping[str, object] | None
) -> SampleValue:
    site, flag, till, transaction = key
    begin = floor(grown.start_ms / 1_000)
    name = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32]
    return SampleValue(
        client_id=f"{name}:{window.start_ms}",
        site_key=site,
        till=till,
        flag_key=flag or None,
        release="",
        transaction=transaction,
        start_at=datetime.fromtimestamp(begin, UTC),
        seconds=max(1, ceil(grown.end_ms / 1_000) - begin),
        requests=grown.amount,
        errors=failed,
        critical_errors=0,
        integrity_errors=0,
        latency=latency,
    )
