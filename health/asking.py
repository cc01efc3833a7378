"""Asks the queries of one's own that are due: claims them, asks without a transaction, stores what came."""

import logging
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from core import clock
from health.domain.query_lane import LOOKBACK, place_flag
from health.models import QueryGuardrail, QueryWatch
from health.prometheus import QueryReading, ask_prometheus
from health.reading_transitions import claim_asks, note_reading, release_ask

log = logging.getLogger(__name__)

#: No query of one's own is waited for longer, whatever its source may take for its pulls.
HARD_SECONDS = 5.0
#: A turn takes on nothing new after this, so that the worker's thread is free again.
TURN_SECONDS = 8.0


def ask_due() -> int:
    """Ask all that is due, many beside each other; return how many readings were stored."""
    end = time.monotonic() + TURN_SECONDS
    stored = 0
    while time.monotonic() < end:
        watches = claim_asks(now=clock.now())
        if not watches:
            break
        with ThreadPoolExecutor(len(watches)) as pool:
            answers = list(pool.map(_ask, watches))
        stored += sum(_settle(watch, at, reading) for watch, (at, reading) in zip(watches, answers, strict=True))
    return stored


def ask(guardrail: QueryGuardrail, *, flag_key: str) -> QueryReading:
    """Return what a guardrail's query says now; nothing is stored, and no database is asked.

    At the source's own now, so that no difference of clocks makes an old figure a new one.
    """
    return ask_prometheus(
        guardrail.source,
        place_flag(guardrail.query, flag_key=flag_key),
        at=None,
        timeout_seconds=min(float(guardrail.source.timeout_seconds), HARD_SECONDS),
        lookback_seconds=int(LOOKBACK.total_seconds()),
    )


def _ask(watch: QueryWatch) -> tuple[datetime, QueryReading]:
    at = clock.now()
    try:
        return at, ask(watch.guardrail, flag_key=watch.flag_key)
    except Exception:  # whatever it is, it is this query's alone
        log.exception("query %s cannot be asked", watch.guardrail_id)
        return at, QueryReading(None, "broken")


def _settle(watch: QueryWatch, at: datetime, reading: QueryReading) -> int:
    try:
        stored = note_reading(
            watch_id=watch.pk, at=at, value=reading.value, code=reading.code, data=_storable(reading.data)
        )
    except Exception:  # whatever it is, it is this query's alone
        log.exception("what query %s said cannot be stored", watch.guardrail_id)
        release_ask(watch_id=watch.pk)
        return 0
    return 0 if stored is None else 1


def _storable(data: Mapping[str, object]) -> dict[str, object]:
    return {name: value.replace("\x00", "") if isinstance(value, str) else value for name, value in data.items()}
