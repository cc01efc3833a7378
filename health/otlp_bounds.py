"""How much an export may hold, counted before it is read.

A few thousand bytes unpack to millions of empty messages.
"""

from collections.abc import Iterator
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

MOST_POINTS = 10_000
#: Resources, scopes and metrics, whatever their names: a Collector's batch has 8,192 points of all kinds.
MOST_PARTS = 50_000
#: A resource's or data point's; an SDK keeps 128 unless told otherwise.
MOST_ATTRIBUTES = 256
#: What begins or parts the values of a JSON body; ten thousand data points of sixteen buckets have less.
MOST_JSON_MARKS = 500_000


class TooLarge(ValueError):
    """An export that holds too much; the words are for the developer."""


def check_json(body: bytes) -> None:
    """Refuse a body with more values than an export needs: each takes the reader far longer than its two bytes."""
    if body.count(b",") + body.count(b"{") > MOST_JSON_MARKS:
        raise TooLarge(f"The body may hold at most {MOST_JSON_MARKS} values.")


def check_size(request: ExportMetricsServiceRequest, *, name: str) -> None:
    """Refuse a message of too many parts, or too many data points of the metric that is read."""
    points = sum(len(find_data(metric).data_points) for metric in _list_metrics(request) if metric.name == name)
    if points > MOST_POINTS:
        raise TooLarge(f"At most {MOST_POINTS} data points at once.")


def find_data(metric: Metric) -> Any:
    """Return what a metric holds, whatever its kind; one without any is an empty gauge."""
    return getattr(metric, metric.WhichOneof("data") or "gauge")


def _list_metrics(request: ExportMetricsServiceRequest) -> Iterator[Metric]:
    """Yield the metrics; raises TooLarge as soon as there are too many parts, before they are gone through."""
    room = _take(MOST_PARTS, len(request.resource_metrics))
    for resource_metrics in request.resource_metrics:
        if len(resource_metrics.resource.attributes) > MOST_ATTRIBUTES:
            raise TooLarge(f"A resource has at most {MOST_ATTRIBUTES} attributes.")
        room = _take(room, len(resource_metrics.scope_metrics))
        for scope_metrics in resource_metrics.scope_metrics:
            room = _take(room, len(scope_metrics.metrics))
            yield from scope_metrics.metrics


def _take(room: int, wanted: int) -> int:
    if wanted > room:
        raise TooLarge(f"At most {MOST_PARTS} resources, scopes and metrics at once.")
    return room - wanted
