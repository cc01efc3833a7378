"""Reading the body of `POST /telemetry/v1/samples` (contracts §5). One bad sample loses no good one."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import lt
from typing import Annotated

import msgspec

from flags.domain.values import is_storable
from health.domain.moments import find_moment

MAX_SAMPLES = 1_000
MAX_BODY_BYTES = 1_048_576
MAX_COUNT = 10_000_000
MAX_BUCKETS = 200
MAX_BOUND_MS = 86_400_000
MAX_AGE = timedelta(days=7)
MAX_AHEAD = timedelta(minutes=5)


#: Exactly these: a truth value is a number to Python.
_INTEGERS: frozenset[type] = frozenset({int})
_NUMBERS: frozenset[type] = frozenset({int, float})


class BadSample(ValueError):
    """A sample that cannot be accepted: a stable code and words for the developer."""

    def __init__(self, code: str, details: str) -> None:
        super().__init__(details)
        self.code = code
        self.details = details


class SampleValue(msgspec.Struct, frozen=True):
    client_id: str
    site_key: str
    till: str
    flag_key: str | None
    release: str
    transaction: str
    start_at: datetime
    seconds: int
    requests: int
    errors: int
    critical_errors: int
    integrity_errors: int
    latency: Mapping[str, object] | None

    @property
    def ends_at(self) -> datetime:
        return self.start_at + timedelta(seconds=self.seconds)


@dataclass
class Reading:
    """The good samples, and for each bad one its index, code and details."""

    accepted: list[SampleValue] = field(default_factory=list)
    rejected: list[dict[str, object]] = field(default_factory=list)


def read_samples(
    items: list[object], *, site_keys: Collection[str], flag_keys: Collection[str], now: datetime
) -> Reading:
    """Return what of a body's samples can be stored."""
    reading = Reading()
    # What a till says at once is of one time, and so are most samples of a body.
    moments: dict[str, datetime] = {}
    for index, item in enumerate(items):
        try:
            value = _read_sound(item, site_keys=site_keys, flag_keys=flag_keys, now=now, moments=moments)
            reading.accepted.append(
                _read_one(item, site_keys=site_keys, flag_keys=flag_keys, now=now) if value is None else value
            )
        except BadSample as bad:
            reading.rejected.append({"index": index, "errorCode": bad.code, "errorDetails": bad.details})
    return reading


_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_COUNT)]


class _Sound(msgspec.Struct):
    """A sample's fields where nothing is wrong with them, as a reader in C takes them."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    site: _Text
    start: str
    seconds: Annotated[int, msgspec.Meta(ge=1, le=300)]
    requests: _Count
    errors: _Count
    flag: _Text | None = None
    till: _Text | None = None
    release: Annotated[str, msgspec.Meta(min_length=1, max_length=50)] | None = None
    transaction: _Text | None = None
    critical_errors: _Count | None = None
    integrity_errors: _Count | None = None

    def is_sound(self, *, site_keys: Collection[str], flag_keys: Collection[str]) -> bool:
        """Tell whether the fields fit each other, and what is known."""
        return (
            self.site in site_keys
            and (self.flag is None or self.flag in flag_keys)
            and max(self.critical_errors or 0, self.integrity_errors or 0) <= self.errors <= self.requests
            and is_storable(f"{self.id}{self.till}{self.release}{self.transaction}")
        )


def _read_sound(
    item: object,
    *,
    site_keys: Collection[str],
    flag_keys: Collection[str],
    now: datetime,
    moments: dict[str, datetime],
) -> SampleValue | None:
    """Return a good sample, quickly; None where something is wrong, which `_read_one` then says."""
    try:
        given = msgspec.convert(item, _Sound)
    except (msgspec.ValidationError, UnicodeEncodeError):  # the latter: half a surrogate pair
        return None
    if not isinstance(item, dict) or not given.is_sound(site_keys=site_keys, flag_keys=flag_keys):
        return None
    start_at = moments.get(given.start)
    if start_at is None:
        start_at = moments[given.start] = _moment(item, now=now)
    return SampleValue(
        client_id=given.id,
        site_key=given.site,
        till=given.till or "",
        flag_key=given.flag,
        release=given.release or "",
        transaction=given.transaction or "",
        start_at=start_at,
        seconds=given.seconds,
        requests=given.requests,
        errors=given.errors,
        critical_errors=given.critical_errors or 0,
        integrity_errors=given.integrity_errors or 0,
        latency=_latency(item, requests=given.requests),
    )


def _read_one(item: object, *, site_keys: Collection[str], flag_keys: Collection[str], now: datetime) -> SampleValue:
    if not isinstance(item, dict):
        raise BadSample("INVALID_SAMPLE", "A sample is an object.")
    site_key = _text(item, "site", limit=100, required=True)
    if site_key not in site_keys:
        raise BadSample("UNKNOWN_SITE", f"There is no site '{site_key[:100]}'.")
    flag_key = _text(item, "flag", limit=100)
    if flag_key and flag_key not in flag_keys:
        raise BadSample("UNKNOWN_FLAG", f"There is no flag '{flag_key[:100]}'.")
    requests = _count(item, "requests", required=True)
    errors = _count(item, "errors", required=True)
    critical, integrity = _count(item, "critical_errors"), _count(item, "integrity_errors")
    if errors > requests:
        raise BadSample("INVALID_COUNT", "'errors' is at most 'requests'.")
    if max(critical, integrity) > errors:
        raise BadSample("INVALID_COUNT", "'critical_errors' and 'integrity_errors' are at most 'errors'.")
    return SampleValue(
        client_id=_text(item, "id", limit=200, required=True),
        site_key=site_key,
        till=_text(item, "till", limit=100),
        flag_key=flag_key or None,
        release=_text(item, "release", limit=50),
        transaction=_text(item, "transaction", limit=100),
        start_at=_moment(item, now=now),
        seconds=_seconds(item),
        requests=requests,
        errors=errors,
        critical_errors=critical,
        integrity_errors=integrity,
        latency=_latency(item, requests=requests),
    )


def _text(item: Mapping[str, object], name: str, *, limit: int, required: bool = False) -> str:
    value = item.get(name)
    if value is None and not required:
        return ""
    if not isinstance(value, str) or not value or len(value) > limit or not is_storable(value):
        raise BadSample("INVALID_FIELD", f"'{name}' is a text of 1 to {limit} characters.")
    return value


def _count(item: Mapping[str, object], name: str, *, required: bool = False) -> int:
    value = item.get(name)
    if value is None and not required:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_COUNT:
        raise BadSample("INVALID_COUNT", f"'{name}' is an integer from 0 to {MAX_COUNT}.")
    return value


def _seconds(item: Mapping[str, object]) -> int:
    value = item.get("seconds")
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 300:
        raise BadSample("INVALID_FIELD", "'seconds' is an integer from 1 to 300.")
    return value


def _moment(item: Mapping[str, object], *, now: datetime) -> datetime:
    moment = find_moment(item.get("start"))
    if moment is None:
        raise BadSample("INVALID_TIME", "'start' is an RFC 3339 time with its offset, e.g. 2026-11-24T09:00:00+01:00.")
    if moment > now + MAX_AHEAD:
        raise BadSample("START_IN_FUTURE", "'start' lies more than 5 minutes ahead: check the till's clock.")
    if moment < now - MAX_AGE:
        raise BadSample("START_TOO_OLD", "'start' lies more than 7 days back.")
    return moment


def _latency(item: Mapping[str, object], *, requests: int) -> Mapping[str, object] | None:
    value = item.get("latency_ms")
    if value is None:
        return None
    bounds, counts = (value.get("bounds"), value.get("counts")) if isinstance(value, dict) else (None, None)
    if not isinstance(bounds, list) or not isinstance(counts, list) or len(counts) != len(bounds) + 1:
        raise BadSample("INVALID_LATENCY", "'latency_ms' has 'bounds' and one more of 'counts'.")
    # By types and extremes: every number looked at in Python would be most of what a sample costs.
    if len(bounds) > MAX_BUCKETS or not _NUMBERS.issuperset(map(type, bounds)):
        raise BadSample("INVALID_LATENCY", f"'bounds' are at most {MAX_BUCKETS} numbers, in milliseconds, from 0.")
    if not all(map(lt, bounds, bounds[1:])):
        raise BadSample("INVALID_LATENCY", "'bounds' rise.")
    if bounds and not 0 <= bounds[0] <= bounds[-1] <= MAX_BOUND_MS:
        raise BadSample("INVALID_LATENCY", f"'bounds' are at most {MAX_BUCKETS} numbers, in milliseconds, from 0.")
    if not _INTEGERS.issuperset(map(type, counts)) or min(counts) < 0:
        raise BadSample("INVALID_LATENCY", "'counts' are integers from 0.")
    if sum(counts) != requests:
        raise BadSample("INVALID_LATENCY", "'counts' sum to 'requests'.")
    return {"bounds": bounds, "counts": counts}
