"""Asks a source now, so that somebody sees what comes before anything is judged by it."""

from dataclasses import dataclass
from datetime import datetime

from health.domain.counters import Known, Raw, Window, count_windows
from health.domain.pulling import Plan, has_data
from health.models import PrometheusSource
from health.prometheus import SourceFault
from health.pulling import fetch, label_names

LAST_MINUTES = 5


@dataclass(frozen=True)
class Trial:
    """What came: series by what they count, the sites found, what names nothing of ours, or the fault."""

    requests: int = 0
    errors: int = 0
    latency: int = 0
    counted_requests: int = 0
    counted_errors: int = 0
    sites: tuple[str, ...] = ()
    unknown_sites: tuple[str, ...] = ()
    unknown_flags: tuple[str, ...] = ()
    newest_at: datetime | None = None
    fault: SourceFault | None = None


def try_source(source: PrometheusSource, *, known: Known, now: datetime) -> Trial:
    """Return what a source says of the last five minutes. Nothing is stored."""
    end = round(now.timestamp() * 1_000)
    window = Window(end - LAST_MINUTES * 60_000, end)
    answer = fetch(source, Plan([window], at=now, more=False))
    if answer.raw is None:
        return Trial(fault=answer.fault)
    return _describe(source, answer.raw, window, known=known, now=now)


def _describe(source: PrometheusSource, raw: Raw, window: Window, *, known: Known, now: datetime) -> Trial:
    counted = count_windows(raw, [window], names=label_names(source), known=known)
    newest = counted.newest_ms
    fault = SourceFault(min(counted.faults)) if counted.faults else None
    if not has_data(newest_ms=newest, now=now):
        fault = SourceFault("no_data")
    return Trial(
        requests=len(raw.requests),
        errors=len(raw.errors),
        latency=len(raw.latency),
        counted_requests=sum(sample.requests for sample in counted.samples),
        counted_errors=sum(sample.errors for sample in counted.samples),
        sites=tuple(sorted({sample.site_key for sample in counted.samples})),
        unknown_sites=tuple(sorted(counted.unknown_sites)),
        unknown_flags=tuple(sorted(counted.unknown_flags)),
        newest_at=datetime.fromtimestamp(newest / 1_000, now.tzinfo) if newest else None,
        fault=fault,
    )
