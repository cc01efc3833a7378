"""OTLP's metrics messages: read in protobuf or JSON, written in the one they came in (OTLP 1.x, "OTLP/HTTP")."""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, DataPointFlags, Metric

from flags.domain.values import is_storable
from health.domain.histograms import Buckets, Explicit, Exponential, is_sound
from health.domain.samples import BadSample
from health.domain.series import Origin, Point
from health.otlp_bounds import MOST_ATTRIBUTES, TooLarge, check_json, check_size, find_data

PROTOBUF, JSON = "application/x-protobuf", "application/json"
#: The one metric that is read: duration of server requests, stable since HTTP semantic conventions 1.23.
DURATION = "http.server.request.duration"
#: What it was called before; counted as well, a service that sends both would count twice.
OLD_DURATION = "http.server.duration"
OLD_NAME_HINT = f"'{OLD_DURATION}' is not read: set OTEL_SEMCONV_STABILITY_OPT_IN=http, so that '{DURATION}' is sent."
UNITS_MS = {"s": 1_000.0, "": 1_000.0, "ms": 1.0}
LARGEST_COUNT = 2**63
MAX_TEXT = 100
FLAG_NAMES = ("flag", "feature_flag.key")
RELEASE_NAMES = ("release", "service.version")
TRANSACTION_NAMES = ("transaction", "http.route")


class Malformed(ValueError):
    """A body that is no export request; the words are for the developer."""


@dataclass
class Batch:
    """The points that can be followed, how many were refused for what, and a hint."""

    points: list[Point] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)
    hint: str = ""

    def refuse(self, bad: BadSample) -> None:
        words = f"{bad.code}: {bad.details}"
        self.refused[words] = self.refused.get(words, 0) + 1


@dataclass(frozen=True)
class Known:
    """What an environment has: only these sites and flags are counted."""

    site_keys: Collection[str]
    flag_keys: Collection[str]


def parse_request(body: bytes, *, content_type: str) -> ExportMetricsServiceRequest:
    """Return the message of a body; raises Malformed and TooLarge.

    Fields that this version does not know are passed over.
    """
    # What is no object, the library would take for an empty message.
    if content_type == JSON and not body.lstrip().startswith(b"{"):
        raise Malformed("The body is no JSON object.")
    request = ExportMetricsServiceRequest()
    try:
        if content_type == PROTOBUF:
            request.ParseFromString(body)
        else:
            check_json(body)
            json_format.Parse(body, request, ignore_unknown_fields=True)
    except TooLarge:
        raise
    except (DecodeError, json_format.ParseError, ValueError, RecursionError):
        raise Malformed("The body is no ExportMetricsServiceRequest.") from None
    check_size(request, name=DURATION)
    return request


def read_points(request: ExportMetricsServiceRequest, *, source: str, known: Known) -> Batch:
    """Return the points of the one metric that is read; others are none of ours and pass in silence."""
    batch = Batch()
    for resource_metrics in request.resource_metrics:
        resource = _read_attributes(resource_metrics.resource.attributes)
        for scope_metrics in resource_metrics.scope_metrics:
            scope = [source, sorted(resource.items()), scope_metrics.scope.name, scope_metrics.scope.version]
            for metric in scope_metrics.metrics:
                if metric.name == DURATION:
                    _take_metric(batch, metric, scope=scope, resource=resource, known=known)
                elif metric.name == OLD_DURATION:
                    batch.hint = OLD_NAME_HINT
    return batch


def _take_metric(batch: Batch, metric: Metric, *, scope: list[Any], resource: Mapping[str, str], known: Known) -> None:
    for raw in find_data(metric).data_points:
        if raw.flags & DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK:
            continue
        try:
            batch.points.append(_read_point(raw, metric, scope=scope, resource=resource, known=known))
        except BadSample as bad:
            batch.refuse(bad)


def _read_point(raw: Any, metric: Metric, *, scope: list[Any], resource: Mapping[str, str], known: Known) -> Point:
    if len(raw.attributes) > MOST_ATTRIBUTES:
        raise BadSample("INVALID_FIELD", f"A data point has at most {MOST_ATTRIBUTES} attributes.")
    own = _read_attributes(raw.attributes)
    origin = _read_origin(own, resource, known=known)
    is_cumulative = _read_temporality(metric)
    count, buckets = _read_histogram(raw, metric)
    identity = [*scope, metric.name, sorted(own.items()), raw.start_time_unix_nano if is_cumulative else 0]
    return Point(
        key=hashlib.sha256(json.dumps(identity).encode()).hexdigest(),
        origin=origin,
        is_cumulative=is_cumulative,
        start_ns=raw.start_time_unix_nano,
        time_ns=raw.time_unix_nano,
        count=count,
        buckets=buckets,
    )


def _read_temporality(metric: Metric) -> bool:
    """Return whether counts are since the process began; refuse what is no histogram of one or the other."""
    kind = metric.WhichOneof("data")
    if kind in ("histogram", "exponential_histogram"):
        temporality = getattr(metric, kind).aggregation_temporality
        if temporality == AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE:
            return True
        if temporality == AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA:
            return False
    raise BadSample("INVALID_FIELD", f"'{DURATION}' is a histogram, delta or cumulative.")


def _read_histogram(raw: Any, metric: Metric) -> tuple[int, Buckets | None]:
    """Return how many requests, and their durations in buckets, None where there are none."""
    is_exponential = metric.HasField("exponential_histogram")
    factor = UNITS_MS.get(metric.unit)
    if factor is None or (is_exponential and metric.unit == "ms"):
        raise BadSample("INVALID_FIELD", f"'{DURATION}' is in seconds.")
    buckets = _read_exponential(raw) if is_exponential else _read_explicit(raw, factor=factor)
    if raw.count >= LARGEST_COUNT or buckets.total not in (None, raw.count):
        raise BadSample("INVALID_COUNT", "The counts of the buckets sum to 'count'.")
    return raw.count, buckets if buckets.total is not None else None


def _read_explicit(raw: Any, *, factor: float) -> Explicit:
    bounds = tuple(round(bound * factor, 6) for bound in raw.explicit_bounds)
    if not is_sound(bounds, raw.bucket_counts):
        raise BadSample("INVALID_LATENCY", "Bounds are finite numbers from 0 that rise, with one more of counts.")
    return Explicit(bounds, tuple(raw.bucket_counts))


def _read_exponential(raw: Any) -> Exponential:
    if any(raw.negative.bucket_counts) or abs(raw.scale) > 30 or len(raw.positive.bucket_counts) > 1_000:
        raise BadSample("INVALID_LATENCY", "Durations are not negative; at most 1000 buckets, scale from -30 to 30.")
    return Exponential(raw.scale, raw.positive.offset, tuple(raw.positive.bucket_counts), raw.zero_count)


def _read_origin(own: Mapping[str, str], resource: Mapping[str, str], *, known: Known) -> Origin:
    """Return whose requests these are: attributes of the data point go before the resource's."""
    both = {**resource, **own}
    site = _find(both, ("site",))
    if site not in known.site_keys:
        raise BadSample("UNKNOWN_SITE", f"There is no site '{site}'." if site else "The attribute 'site' is missing.")
    flag = _find(both, FLAG_NAMES)
    if flag and flag not in known.flag_keys:
        raise BadSample("UNKNOWN_FLAG", f"There is no flag '{flag}'.")
    return Origin(
        site_key=site,
        till=_find(both, ("till",)),
        flag_key=flag or None,
        release=_find(both, RELEASE_NAMES)[:50],
        transaction=_find(both, TRANSACTION_NAMES),
        is_error=own.get("http.response.status_code", "").startswith("5") or bool(own.get("error.type", "")),
    )


def _find(attributes: Mapping[str, str], names: Iterable[str]) -> str:
    found = next((attributes[name] for name in names if attributes.get(name)), "")[:MAX_TEXT]
    if not is_storable(found):
        raise BadSample("INVALID_FIELD", "An attribute holds characters that cannot be stored.")
    return found


def _read_attributes(attributes: Iterable[KeyValue]) -> dict[str, str]:
    return {one.key: _say_value(one.value) for one in attributes}


def _say_value(value: AnyValue) -> str:
    kind = value.WhichOneof("value")
    if kind is None:
        return ""
    if kind in {"array_value", "kvlist_value", "bytes_value"}:
        # As bytes: written out for people, what is nested deep is a hundred times as long.
        return value.SerializeToString(deterministic=True).hex()
    plain = getattr(value, kind)
    return str(plain).lower() if kind == "bool_value" else str(plain)


def list_words(batch: Batch) -> Iterator[str]:
    """Yield what was refused, the most frequent first, and the hint."""
    for words, count in sorted(batch.refused.items(), key=lambda one: -one[1])[:10]:
        yield f"{count} × {words}"
    if batch.hint:
        yield batch.hint


def write_answer(batch: Batch, *, content_type: str) -> bytes:
    """Return the answer to an export: empty where all was taken, else how much was not and why."""
    answer = ExportMetricsServiceResponse()
    if batch.refused or batch.hint:
        answer.partial_success.rejected_data_points = sum(batch.refused.values())
        answer.partial_success.error_message = " ".join(list_words(batch))
    return _write(answer, content_type=content_type)


def _write(message: Message, *, content_type: str) -> bytes:
    if content_type == PROTOBUF:
        return message.SerializeToString()
    return json_format.MessageToJson(message, indent=None).encode()


def write_status(code: int, words: str, *, content_type: str) -> bytes:
    """Return a `google.rpc.Status`, which a refusal's body is: code 1, message 2.

    Written by hand: its package brings all of Google's common messages for these two fields.
    """
    if content_type == JSON:
        return json.dumps({"code": code, "message": words}).encode()
    text = words.encode()
    return b"\x08" + _varint(code) + b"\x12" + _varint(len(text)) + text


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])
