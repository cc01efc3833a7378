"""Monitoring systems to pull, and histories of counters as OpenMetrics writes them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import Any

from core.actors import DEMO
from flags.models import Environment
from health.models import PrometheusSource
from health.source_transitions import add_source
from tests.factories.core import NOW

_numbers = count(1)
REQUESTS = "sale_duration_seconds_count"
ERRORS = 'sale_duration_seconds_count{status=~"5.."}'
LATENCY = "sale_duration_seconds_bucket"

VALUES: dict[str, Any] = {
    "url": "http://127.0.0.1:9",
    "auth": "none",
    "username": "",
    "tenant": "",
    "requests_query": REQUESTS,
    "errors_query": ERRORS,
    "latency_query": "",
    "site_label": "site",
    "flag_label": "flag",
    "till_label": "till",
    "transaction_label": "route",
    "interval_seconds": 15,
    "timeout_seconds": 5,
    "is_active": True,
}


def make_source(environment: Environment, *, secret: str = "", now: datetime = NOW, **given: Any) -> PrometheusSource:
    """Return a source of an environment, due at once."""
    values = {"name": f"Prometheus {next(_numbers)}"} | VALUES | given
    return add_source(
        environment_id=environment.pk, values=values, secret=secret, actor=DEMO, reason="needed by a test", now=now
    )


def write_history(series: Mapping[str, Sequence[tuple[float, float | str]]]) -> str:
    """Return OpenMetrics text: by series its scrapes, each with its time in seconds since 1970."""
    by_name: dict[str, list[str]] = {}
    for labelled, scrapes in series.items():
        lines = by_name.setdefault(labelled.partition("{")[0], [])
        lines += [f"{labelled} {value} {at:.3f}" for at, value in scrapes]
    families = [f"# TYPE {name} unknown\n" + "\n".join(lines) for name, lines in by_name.items()]
    return "\n".join([*families, "# EOF\n"])
