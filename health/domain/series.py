"""What one data point of OpenTelemetry adds to what was known of its series (ADR 38).

A delta point says itself what came in its interval. A cumulative one says what came since its
process began: the difference to the last point counts, once, however often it is sent again.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from health.domain.histograms import Buckets
from health.domain.samples import MAX_AGE, MAX_AHEAD, MAX_COUNT, BadSample, SampleValue

#: A sample covers at most this: of what came in longer one cannot say that it came now.
LONGEST_NS = 300 * 10**9
SECOND_NS = 10**9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Origin:
    """Whose requests a series counts."""

    site_key: str
    till: str
    flag_key: str | None
    release: str
    transaction: str
    is_error: bool


@dataclass(frozen=True)
class Point:
    """One data point; times in nanoseconds since 1970.

    `key` names the series: sender, resource, scope, metric, attributes, and for a cumulative one
    the moment it began, so that two processes which call themselves alike are two series.
    """

    key: str
    origin: Origin
    is_cumulative: bool
    start_ns: int
    time_ns: int
    count: int
    buckets: Buckets | None


@dataclass(frozen=True)
class Seen:
    """What was known of a cumulative series after its last point."""

    time_ns: int
    count: int
    buckets: Buckets | None


@dataclass(frozen=True)
class Step:
    """What a point does: what is known after it, the sample it makes, and why it makes none if that is a fault."""

    seen: Seen | None
    sample: SampleValue | None = None
    fault: BadSample | None = None


def check_times(point: Point, *, now: datetime) -> None:
    """Refuse a point whose clock cannot be right, or that is too old to say anything."""
    if not 0 < point.start_ns < point.time_ns:
        raise BadSample("INVALID_TIME", "A data point has startTimeUnixNano before timeUnixNano.")
    if _moment(point.time_ns) > now + MAX_AHEAD:
        raise BadSample("START_IN_FUTURE", "A data point lies more than 5 minutes ahead: check the sender's clock.")
    if _moment(point.time_ns) < now - MAX_AGE:
        raise BadSample("START_TOO_OLD", "A data point lies more than 7 days back.")


def follow(seen: Seen | None, point: Point) -> Step:
    """Return what a point does to what is known of its series."""
    if not point.is_cumulative:
        return _take_whole(None, point)
    after = Seen(point.time_ns, point.count, point.buckets)
    if seen is None:
        # Its process began long ago: what it counts came at any time since. It is where counting begins.
        if point.time_ns - point.start_ns > LONGEST_NS:
            return Step(after)
        return _take_whole(after, point)
    if point.time_ns <= seen.time_ns:
        # Sent again, or overtaken by a newer one, which holds it. More at an earlier time: the clock went back.
        return Step(after if point.count > seen.count else seen)
    grown, buckets = _difference(seen, point)
    return _make_step(after, point, start_ns=seen.time_ns, requests=grown, buckets=buckets)


def _difference(seen: Seen, point: Point) -> tuple[int, Buckets | None]:
    """Return what came since the last point; all of it where the counter began anew."""
    if point.count < seen.count:
        return point.count, point.buckets
    if point.buckets is None or seen.buckets is None or not point.buckets.is_like(seen.buckets):
        return point.count - seen.count, None
    buckets = point.buckets.minus(seen.buckets)
    return (point.count, point.buckets) if buckets is None else (point.count - seen.count, buckets)


def _take_whole(after: Seen | None, point: Point) -> Step:
    return _make_step(after, point, start_ns=point.start_ns, requests=point.count, buckets=point.buckets)


def _make_step(after: Seen | None, point: Point, *, start_ns: int, requests: int, buckets: Buckets | None) -> Step:
    if point.time_ns - start_ns > LONGEST_NS:
        fault = BadSample("INTERVAL_TOO_LONG", "More than 5 minutes since the last data point: export more often.")
        return Step(after, fault=fault)
    if requests > MAX_COUNT:
        return Step(after, fault=BadSample("INVALID_COUNT", f"More than {MAX_COUNT} requests in one interval."))
    return Step(after, sample=_compose_sample(point, start_ns=start_ns, requests=requests, buckets=buckets))


def _compose_sample(point: Point, *, start_ns: int, requests: int, buckets: Buckets | None) -> SampleValue:
    seconds = max(1, -(-(point.time_ns - start_ns) // SECOND_NS))
    origin = point.origin
    return SampleValue(
        client_id=f"{point.key}:{point.time_ns}",
        site_key=origin.site_key,
        till=origin.till,
        flag_key=origin.flag_key,
        release=origin.release,
        transaction=origin.transaction,
        start_at=_moment(point.time_ns) - timedelta(seconds=seconds),
        seconds=seconds,
        requests=requests,
        errors=requests if origin.is_error else 0,
        critical_errors=0,
        integrity_errors=0,
        latency=buckets.to_latency() if buckets is not None and requests else None,
    )


def drop_idle(samples: list[SampleValue]) -> list[SampleValue]:
    """Return the samples without those of no request, but one for a till that had none at all: it is alive."""
    busy = {_who(sample) for sample in samples if sample.requests}
    kept = []
    for sample in samples:
        if sample.requests:
            kept.append(sample)
        elif _who(sample) not in busy:
            busy.add(_who(sample))
            kept.append(sample)
    return kept


def _who(sample: SampleValue) -> tuple[str, str, str | None]:
    return sample.site_key, sample.till, sample.flag_key


def _moment(nanoseconds: int) -> datetime:
    """Return the moment; what no calendar holds is the end of all days."""
    try:
        return _EPOCH + timedelta(microseconds=nanoseconds // 1_000)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)
