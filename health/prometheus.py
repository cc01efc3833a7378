"""What speaks Prometheus's HTTP API (Thanos and Mimir do) is asked, and only a whole, sound answer counts.

Source: prometheus.io/docs/prometheus/latest/querying/api. No database here: what is asked may take its time.
"""

import base64
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from core import clock, outbound
from core.outbound import OutboundFault
from core.sealing import Unsealable, unseal
from health.domain.counters import RawSeries
from health.models import PrometheusSource
from health.source_models import SEALED_FOR

#: Some 5,000 series with ten scrapes each; a source with more wants a narrower query.
LIMIT_BYTES = 16 * 1_048_576
#: Clocks further apart than this let windows end before their scrapes are there.
MOST_SKEW_SECONDS = 30.0


class SourceFault(Exception):
    """A source that gave no figures: a stable code (labels.FAULTS) and the data behind it."""

    def __init__(self, code: str, **data: object) -> None:
        super().__init__(code)
        self.code = code
        self.data = data


@dataclass(frozen=True)
class QueryReading:
    """What a query said: a value, or a code that says why there is none.

    `no_data`, `not_a_number`, `many_series`, `timed_out`, `unreachable`, `refused`, `partial`.
    """

    value: float | None
    code: str = ""
    data: Mapping[str, object] = field(default_factory=dict)


#: Codes of a fault, as a guardrail of one's own reads them.
READING_CODES = {"timed_out": "timed_out", "partial": "partial", "unreachable": "unreachable"}


@dataclass(frozen=True)
class Client:
    """A source as it is asked, with the seconds that are left: all questions of one pull share them."""

    url: str
    headers: Mapping[str, str]
    end: float

    def query(
        self, expression: str, *, at: datetime | None = None, lookback_seconds: int | None = None
    ) -> dict[str, Any]:
        """Return `resultType` and `result` of an instant query; raises SourceFault. Without a time: at its own now.

        `lookback_seconds`: no scrape older than that stands for the moment that is asked for, where it is not its own
        setting (five minutes) that holds.
        """
        asked = {"query": expression} | ({"time": f"{at.timestamp():.3f}"} if at else {})
        if lookback_seconds is not None:
            asked["lookback_delta"] = f"{lookback_seconds}s"
        left = self.end - time.monotonic()
        if left <= 0:
            raise SourceFault("timed_out")
        address = outbound.Address(f"{self.url}/api/v1/query?{urlencode(asked)}", settings.OUTBOUND_NETWORKS)
        try:
            answer = outbound.get(address, headers=self.headers, seconds=left, limit_bytes=LIMIT_BYTES)
        except OutboundFault as fault:
            raise SourceFault(fault.code, details=fault.details) from None
        return _read_answer(answer)

    def read_series(self, selector: str, *, seconds: int, at: datetime) -> list[RawSeries]:
        """Return the scrapes of a selector's series in the seconds before a moment, as they were stored."""
        data = self.query(f"{selector}[{seconds}s]", at=at)
        if data.get("resultType") != "matrix":
            raise SourceFault("malformed")
        return [_read_series(one) for one in _list_of(data)]

    def measure_skew(self) -> float:
        """Return by how many seconds its clock is ahead of ours."""
        before = clock.now().timestamp()
        data = self.query("time()")
        result = data.get("result")
        if data.get("resultType") != "scalar" or not isinstance(result, list) or len(result) != 2:
            raise SourceFault("malformed")
        return _read_number(result[1]) - (before + clock.now().timestamp()) / 2


def open_client(source: PrometheusSource, *, timeout_seconds: float | None = None) -> Client:
    """Return a source as it is asked, all in all within its time limit; raises SourceFault where its secret is lost."""
    try:
        secret = unseal(source.sealed_secret, purpose=SEALED_FOR) if source.sealed_secret else ""
    except Unsealable:
        raise SourceFault("secret_unreadable") from None
    headers = {"X-Scope-OrgID": source.tenant} if source.tenant else {}
    if source.auth == "bearer":
        headers["Authorization"] = f"Bearer {secret}"
    elif source.auth == "basic":
        pair = base64.b64encode(f"{source.username}:{secret}".encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
    seconds = source.timeout_seconds if timeout_seconds is None else timeout_seconds
    return Client(source.url.rstrip("/"), headers, time.monotonic() + seconds)


def ask_prometheus(
    source: PrometheusSource,
    query: str,
    *,
    at: datetime | None,
    timeout_seconds: float,
    lookback_seconds: int | None = None,
) -> QueryReading:
    """Return the one number that a query of somebody's own gives at a moment; a scalar or one series, else a code."""
    try:
        client = open_client(source, timeout_seconds=timeout_seconds)
        data = client.query(query, at=at, lookback_seconds=lookback_seconds)
        return _read_one(data)
    except SourceFault as fault:
        return QueryReading(None, READING_CODES.get(fault.code, "refused"), {"fault": fault.code, **fault.data})


def _read_one(data: Mapping[str, Any]) -> QueryReading:
    result = data.get("result")
    if data.get("resultType") == "scalar" and isinstance(result, list) and len(result) == 2:
        return _say_value(_read_number(result[1]))
    if data.get("resultType") != "vector":
        raise SourceFault("malformed")
    series = _list_of(data)
    if not series:
        return QueryReading(None, "no_data")
    if len(series) > 1:
        return QueryReading(None, "many_series", {"count": len(series)})
    value = series[0].get("value")
    if not isinstance(value, list) or len(value) != 2:
        raise SourceFault("malformed")
    return _say_value(_read_number(value[1]))


def _say_value(value: float) -> QueryReading:
    return QueryReading(value) if math.isfinite(value) else QueryReading(None, "not_a_number")


def _read_answer(answer: outbound.Answer) -> dict[str, Any]:
    """Return the data of a whole answer; refuse one that failed, and one that says that something is missing."""
    try:
        told = json.loads(answer.body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise SourceFault("malformed" if answer.status == 200 else "refused", status=answer.status)
    if told.get("status") != "success" or answer.status != 200:
        if told.get("errorType") == "timeout":
            raise SourceFault("timed_out")
        raise SourceFault("refused", status=answer.status, details=str(told.get("error", ""))[:300])
    if warnings := told.get("warnings"):
        raise SourceFault("partial", details=str(warnings)[:300])
    data = told.get("data")
    if not isinstance(data, dict):
        raise SourceFault("malformed", status=answer.status)
    return data


def _list_of(data: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    result = data.get("result")
    if not isinstance(result, list) or not all(isinstance(one, dict) for one in result):
        raise SourceFault("malformed")
    return result


def _read_series(one: Mapping[str, Any]) -> RawSeries:
    try:
        labels = {str(name): str(value) for name, value in one["metric"].items()}
        scrapes = tuple((round(float(at) * 1_000), _read_number(value)) for at, value in one.get("values", ()))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise SourceFault("malformed") from None
    return RawSeries(labels, scrapes)


def _read_number(text: object) -> float:
    try:
        return float(str(text))
    except ValueError:
        raise SourceFault("malformed") from None
