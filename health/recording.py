"""The one door through which requests counted elsewhere become samples."""

from collections.abc import Sequence
from datetime import datetime

from health.domain.samples import SampleValue
from health.transitions import record_samples


def record(*, source: str, environment_id: int, values: Sequence[SampleValue], now: datetime) -> int:
    """Store the samples that are new to their source ("otlp:12", "prometheus:3"); return how many."""
    _kind, _, number = source.partition(":")
    return record_samples(token_id=int(number), environment_id=environment_id, values=values, now=now)
