"""A service with the unmodified OpenTelemetry SDK reports to a real portal."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.planning import open_environment
from tests.scenarios.stage import Stage

REPORTER = Path(__file__).with_name("reporter.py")
FLAG = "price_buttons_v1_3"
_numbers = count(1)


class Reporter:
    """A running service; `report` waits until the portal has its figures."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def report(self, status: int, requests: int, *flags: str) -> None:
        assert self.process.stdin
        assert self.process.stdout
        print(status, requests, *flags, file=self.process.stdin, flush=True)
        assert self.process.stdout.readline() == "ok\n"


class Desk:
    """An environment of the shared portal where nothing else reports."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.key = f"otlp{next(_numbers)}"
        [self.token] = open_environment(stage, self.key, "telemetry")
        # Snapshots know the new token a moment later.

    @contextmanager
    def run(self, **variables: str) -> Iterator[Reporter]:
        """Run a service as its operator starts it; ended by closing its input."""
        given = {
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"{self.stage.tell('url')}/v1/metrics",
            "OTEL_EXPORTER_OTLP_METRICS_HEADERS": f"authorization=Bearer%20{self.token}",
            "OTEL_RESOURCE_ATTRIBUTES": "site=lyon,till=till-1,service.version=1.3.0",
            "OTEL_SERVICE_NAME": "caisse",
        }
        with subprocess.Popen(
            [sys.executable, str(REPORTER)],
            env=os.environ | given | variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield Reporter(process)
                assert process.stdin
                process.stdin.close()
                assert process.wait(60) == 0
            finally:
                process.kill()

    def figures(self) -> list[tuple[Any, ...]]:
        """Return (flag, requests, errors) of what the portal stored, the idle left out."""
        rows = self.stage.ask(
            "SELECT f.key AS flag, s.requests, s.errors FROM health_sample s"
            " JOIN flags_environment e ON e.id = s.environment_id JOIN flags_site t ON t.id = s.site_id"
            " LEFT JOIN flags_flag f ON f.id = s.flag_id"
            " WHERE e.key = %s AND t.key = 'lyon' AND s.till = 'till-1' AND s.release = '1.3.0'"
            " AND s.transaction = '/sales' AND s.requests > 0 ORDER BY s.id",
            self.key,
        )
        return [(row["flag"], row["requests"], row["errors"]) for row in rows]


@pytest.fixture
def desk(stage: Stage) -> Desk:
    return Desk(stage)


@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
def test_sdk__reports_as_it_comes__is_counted_once(desk: Desk, temporality: str) -> None:
    with desk.run(OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=temporality) as service:
        service.report(200, 5)
        service.report(500, 2)
        service.report(404, 1)
        service.report(200, 3, FLAG)

    assert desk.figures() == [(None, 5, 0), (None, 2, 2), (None, 1, 0), (FLAG, 3, 0)]


def test_sdk__packed_with_gzip_and_exponential_buckets__is_counted(desk: Desk) -> None:
    with desk.run(
        OTEL_EXPORTER_OTLP_METRICS_COMPRESSION="gzip",
        OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION="base2_exponential_bucket_histogram",
    ) as service:
        service.report(200, 5)
        service.report(200, 4)

    assert desk.figures() == [(None, 5, 0), (None, 4, 0)]
    [(bounds, counts), _] = _latencies(desk)
    assert counts[1] == 5
    assert bounds[0] < 20 < bounds[1]


def test_sdk__restarted__counts_from_zero_again(desk: Desk) -> None:
    for requests in (7, 2):
        with desk.run() as service:
            service.report(200, requests)

    assert desk.figures() == [(None, 7, 0), (None, 2, 0)]


def _latencies(desk: Desk) -> list[tuple[list[float], list[int]]]:
    """Return bounds in milliseconds and counts of each sample."""
    rows = desk.stage.ask(
        "SELECT s.latency FROM health_sample s JOIN flags_environment e ON e.id = s.environment_id"
        " WHERE e.key = %s AND s.requests > 0 ORDER BY s.id",
        desk.key,
    )
    return [json.loads(row["latency"]) for row in rows]
