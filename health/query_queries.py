"""Reads of guardrails that are queries of one's own, of what they said, and their lanes' verdicts."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, transaction

from health.domain.query_lane import AWAY_FOR, FRESH, Reading, find_guardrail_id, judge_query
from health.domain.verdict import Judgement, say_fault
from health.looks import Look
from health.models import Mode, QueryGuardrail, QueryReading
from health.query_models import LONGEST_LASTING
from health.reading_transitions import Wanted

log = logging.getLogger(__name__)

#: The longest that a query must last, what may be from before its source was away, and a gap.
SPAN = timedelta(seconds=LONGEST_LASTING) + AWAY_FOR + FRESH
MOST_SHOWN = 20
#: Older, a list does not show it: it says nothing of now.
RECENT = timedelta(minutes=5)


def read_active_queries(environment_keys: Collection[str]) -> dict[str, list[QueryGuardrail]]:
    """Return the queries that judge, by environment: one query."""
    rows = QueryGuardrail.objects.filter(environment__key__in=environment_keys, is_active=True).exclude(mode=Mode.OFF)
    found: dict[str, list[QueryGuardrail]] = {}
    for row in rows.select_related("environment", "source"):
        found.setdefault(row.environment.key, []).append(row)
    return found


def wanted_of(guardrail: QueryGuardrail, *, flag_key: str) -> Wanted:
    """Return under what its readings for a flag are kept."""
    return guardrail.pk, flag_key if guardrail.is_per_flag else ""


def list_wanted(looks: Sequence[Look]) -> set[Wanted]:
    """Return what these looks need readings of: one query."""
    guardrails = _read_guardrails(looks)
    return {
        wanted_of(guardrails[look.lane], flag_key=look.exposure.flag_key) for look in looks if look.lane in guardrails
    }


def judge_query_lanes(looks: Sequence[Look], *, now: datetime) -> list[Judgement]:
    """Return one judgement for each look; a fault while judging is verdict `error`, never healthy: two queries."""
    if not looks:
        return []
    try:
        with transaction.atomic():
            guardrails = _read_guardrails(looks)
            readings = _read_readings([row.pk for row in guardrails.values()], now=now)
    except DatabaseError as fault:
        log.exception("what queries said cannot be read")
        return [_no_verdict(look, fault=type(fault).__name__, now=now) for look in looks]
    return [_judge(look, guardrails, readings, now=now) for look in looks]


def _judge(
    look: Look, guardrails: Mapping[str, QueryGuardrail], readings: Mapping[Wanted, Sequence[Reading]], *, now: datetime
) -> Judgement:
    guardrail = guardrails.get(look.lane)
    if guardrail is None:
        return _no_verdict(look, fault="gone", now=now)
    found = readings.get(wanted_of(guardrail, flag_key=look.exposure.flag_key), ())
    return judge_query(look.exposure, guardrail.facts, found, now=now)


def _read_guardrails(looks: Sequence[Look]) -> dict[str, QueryGuardrail]:
    found = (find_guardrail_id(lane) for lane in {look.lane for look in looks})
    ids = [pk for pk in found if pk is not None]
    return {row.lane: row for row in QueryGuardrail.objects.filter(pk__in=ids)}


def _read_readings(guardrail_ids: Collection[int], *, now: datetime) -> dict[Wanted, list[Reading]]:
    rows = QueryReading.objects.filter(watch__guardrail__in=guardrail_ids, at__gt=now - SPAN, at__lte=now)
    found: dict[Wanted, list[Reading]] = {}
    names = ("watch__guardrail_id", "watch__flag_key", "at", "value", "code", "data")
    for guardrail_id, flag_key, at, value, code, data in rows.order_by("at", "pk").values_list(*names):
        found.setdefault((guardrail_id, flag_key), []).append(Reading(at, value, code, data))
    return found


def _no_verdict(look: Look, *, fault: str, now: datetime) -> Judgement:
    return say_fault(
        look.lane,
        flag_key=look.exposure.flag_key,
        threshold="",
        since=look.exposure.blamed_from,
        now=now,
        fault=fault,
    )


@dataclass(frozen=True)
class QueryRow:
    """A guardrail as its list shows it, with the newest that it said."""

    guardrail: QueryGuardrail
    newest: QueryReading | None


def list_queries(*, environment_key: str, now: datetime) -> list[QueryRow]:
    """Return an environment's queries with the newest that they said within some minutes: two queries."""
    guardrails = list(QueryGuardrail.objects.filter(environment__key=environment_key).select_related("source"))
    rows = QueryReading.objects.filter(watch__guardrail__in=guardrails, at__gt=now - RECENT).select_related("watch")
    newest = rows.order_by("watch__guardrail_id", "-at", "-pk").distinct("watch__guardrail_id")
    readings = {row.watch.guardrail_id: row for row in newest}
    return [QueryRow(row, readings.get(row.pk)) for row in guardrails]


def list_readings(guardrail: QueryGuardrail) -> list[QueryReading]:
    """Return what a query said last, newest first: one query."""
    rows = QueryReading.objects.filter(watch__guardrail=guardrail).select_related("watch")
    return list(rows.order_by("-at", "-pk")[:MOST_SHOWN])
