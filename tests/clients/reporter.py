"""A service with the unmodified OpenTelemetry SDK, set up by its own environment variables alone.

Reads lines `<status> <requests> [flag]` from its input, records each request, exports, and answers
`ok` or `lost`. As any service it is told where and how to report by OTEL_…
"""

import sys

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader


def main() -> None:
    """Serve until the input ends."""
    provider = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter(), export_interval_millis=3_600_000)])
    duration = provider.get_meter("till").create_histogram("http.server.request.duration", unit="s")
    for line in sys.stdin:
        status, requests, *flags = line.split()
        attributes: dict[str, str | int] = {"http.response.status_code": int(status), "http.route": "/sales"}
        if flags:
            attributes["flag"] = flags[0]
        for _ in range(int(requests)):
            duration.record(0.02, attributes)
        print("ok" if provider.force_flush(30_000) else "lost", flush=True)
    provider.shutdown()


if __name__ == "__main__":
    main()
