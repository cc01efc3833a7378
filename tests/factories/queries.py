"""Guardrails that are queries of one's own, and what they said."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from core.actors import DEMO
from flags.models import Environment
from health.models import PrometheusSource, QueryGuardrail, QueryWatch
from health.query_transitions import add_query
from health.reading_transitions import note_reading, want_readings
from tests.factories.core import NOW
from tests.factories.sources import make_source

_numbers = count(1)

VALUES: dict[str, Any] = {
    "query": "sum(queue_length)",
    "comparison": "above",
    "limit": 10.0,
    "lasting_seconds": 60,
    "mode": "hold",
    "scope": "flag",
    "cool_down_minutes": 15,
    "is_active": True,
}


def make_query(
    environment: Environment, *, source: PrometheusSource | None = None, now: datetime = NOW, **given: Any
) -> QueryGuardrail:
    """Return a guardrail that holds above ten for a minute."""
    asked = source or make_source(environment, now=now)
    values = {"name": f"Queue {next(_numbers)}", "source_id": asked.pk} | VALUES | given
    return add_query(environment_id=environment.pk, values=values, actor=DEMO, reason="needed by a test", now=now)


def say(
    guardrail: QueryGuardrail, *said: float | str, until: datetime, flag_key: str = "", every: float = 15.0
) -> QueryWatch:
    """Store what a query said, the last of it at a moment; a text is a code: it gave no value."""
    want_readings([(guardrail.pk, flag_key)], now=until)
    watch = QueryWatch.objects.get(guardrail=guardrail, flag_key=flag_key)
    for at, one in zip(moments(len(said), until=until, every=every), said, strict=True):
        value, code = (None, one) if isinstance(one, str) else (one, "")
        note_reading(watch_id=watch.pk, at=at, value=value, code=code, data={})
    return watch


def moments(number: int, *, until: datetime, every: float = 15.0) -> Sequence[datetime]:
    """Return so many moments, the last of them given."""
    return [until - timedelta(seconds=every * back) for back in reversed(range(number))]
