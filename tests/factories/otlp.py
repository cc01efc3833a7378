"""Export requests as OTLP's specification writes them: in JSON by hand, in protobuf by the messages."""

from datetime import datetime
from typing import Any

from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

DELTA, CUMULATIVE = 1, 2


def nano(moment: datetime) -> str:
    """Return nanoseconds since 1970; JSON holds 64 bits as text."""
    return str(int(moment.timestamp() * 1_000_000) * 1_000)


def attributes(given: dict[str, object]) -> list[dict[str, object]]:
    """Return attributes as key and value; a whole number is text."""
    kinds = {bool: "boolValue", int: "intValue", str: "stringValue", float: "doubleValue"}
    return [
        {"key": key, "value": {kinds[type(value)]: str(value) if type(value) is int else value}}
        for key, value in given.items()
    ]


def data_point(*, began: datetime, at: datetime, counts: list[int], status: int = 200, **more: Any) -> dict[str, Any]:
    """Return one explicit-bucket data point of 50 and 500 ms."""
    own = {"http.response.status_code": status} | more.pop("attributes", {})
    return {
        "startTimeUnixNano": nano(began),
        "timeUnixNano": nano(at),
        "count": str(sum(counts)),
        "sum": 1.5,
        "bucketCounts": [str(count) for count in counts],
        "explicitBounds": [0.05, 0.5],
        "attributes": attributes(own),
        "exemplars": [{"traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "EEE19B7EC3C1B174", "asDouble": 0.1}],
        "aFieldOfTomorrow": {"nested": True},
    } | more


def export_body(
    *points: dict[str, Any],
    resource: dict[str, object],
    temporality: int = CUMULATIVE,
    name: str = "http.server.request.duration",
    unit: str = "s",
    kind: str = "histogram",
) -> dict[str, Any]:
    """Return an ExportMetricsServiceRequest."""
    metric = {"name": name, "unit": unit, kind: {"aggregationTemporality": temporality, "dataPoints": list(points)}}
    return {
        "resourceMetrics": [
            {
                "resource": {"attributes": attributes(resource)},
                "scopeMetrics": [{"scope": {"name": "till"}, "metrics": [metric]}],
            }
        ]
    }


def to_protobuf(body: dict[str, Any]) -> bytes:
    """Return the same request in protobuf."""
    request = json_format.ParseDict(body, ExportMetricsServiceRequest(), ignore_unknown_fields=True)
    return request.SerializeToString()
