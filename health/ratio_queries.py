"""Reads of the ratio lanes: guardrails as they are set, samples by till and minute, judgements."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import reduce
from operator import or_

from django.db import DatabaseError, transaction
from django.db.models import BooleanField, ExpressionWrapper, Max, Min, Q, Sum
from django.db.models.functions import TruncMinute

from health.domain.error_rate import (
    FAST,
    LANE,
    LONGEST_SAMPLE,
    SLOW,
    Assessment,
    Cell,
    Memory,
    assess,
    judge_error_rate,
    window_start,
)
from health.domain.exposure import Exposure
from health.domain.verdict import Judgement, Verdict
from health.models import BreachMemory, Guardrail, Mode, Sample

log = logging.getLogger(__name__)

Memories = Mapping[str, Mapping[str, Memory]]


def get_guardrail(*, environment_key: str, lane: str) -> Guardrail:
    """Return what a lane does in an environment; unsaved, with the defaults, where nobody has set it."""
    row = Guardrail.objects.filter(environment__key=environment_key, lane=lane).first()
    return row or Guardrail(lane=lane)


def judge_ratio_lanes(*, exposures: Sequence[Exposure], guardrail: Guardrail, now: datetime) -> list[Judgement]:
    """Return the error rate's judgement on each exposure of ONE subject, without remembering anything.

    Empty where the lane is off. Two queries, however many flags and samples there are.
    """
    if not exposures or guardrail.mode == Mode.OFF:
        return []
    assessed = assess_error_rate(exposures=exposures, threshold_bp=guardrail.threshold_bp, now=now)
    memories = read_memories(exposures[0])
    return [
        say_fault(exposure, threshold_bp=guardrail.threshold_bp, now=now)
        if one is None
        else judge_error_rate(one, memories.get(exposure.flag_key, {}))
        for exposure, one in zip(exposures, assessed, strict=True)
    ]


def assess_error_rate(
    *, exposures: Sequence[Exposure], threshold_bp: int, now: datetime
) -> Sequence[Assessment | None]:
    """Return what the samples say of each exposure of one environment; None where that could not be read."""
    try:
        with transaction.atomic():
            cells = _read_cells(exposures, now=now)
        return [assess(exposure, cells, now=now, threshold_bp=threshold_bp) for exposure in exposures]
    except (DatabaseError, ArithmeticError, LookupError, TypeError, ValueError):
        log.exception("the error rate cannot be judged")
        return [None] * len(exposures)


def say_fault(exposure: Exposure, *, threshold_bp: int, now: datetime) -> Judgement:
    """Return the verdict where judging failed: never healthy."""
    return Judgement(
        verdict=Verdict.ERROR,
        lane=LANE,
        flag_key=exposure.flag_key,
        n=0,
        k=0,
        window_start=window_start(exposure, SLOW, now=now),
        window_end=now,
        threshold=f"{threshold_bp / 100:g} %",
        code="fault",
        data={},
    )


def read_memories(exposure: Exposure) -> Memories:
    """Return the breaches remembered for the exposure's subject and epoch, by flag and window: one query."""
    found: dict[str, dict[str, Memory]] = {}
    for row in BreachMemory.objects.filter(subject=exposure.subject, epoch=exposure.epoch):
        found.setdefault(row.flag_key, {})[row.window] = Memory(row.began_at, row.newest_at)
    return found


def _read_cells(exposures: Sequence[Exposure], *, now: datetime) -> list[Cell]:
    """Return the samples that end in the slow window, summed by flag, site, till and minute: one query.

    A flag's samples begin after its step; overall ones tell of the sites where it is not on.
    """
    begins = {exposure.flag_key: window_start(exposure, SLOW, now=now) for exposure in exposures}
    own = [Q(flag__key=key, start_at__gte=begin) for key, begin in begins.items()]
    since = min(begins.values())
    rows = Sample.objects.filter(
        reduce(or_, own, Q(flag__isnull=True)),
        environment__key=exposures[0].environment_key,
        # The index is on the beginning, the window on the end.
        start_at__gte=since - LONGEST_SAMPLE,
        ends_at__gte=since,
        ends_at__lt=now,
    )
    recent = ExpressionWrapper(Q(ends_at__gte=now - FAST.span), output_field=BooleanField())
    cells = (
        rows.annotate(minute=TruncMinute("ends_at"), is_fast=recent)
        .order_by()
        .values_list("flag__key", "site__key", "till", "minute", "is_fast")
        .annotate(Sum("requests"), Sum("errors"), Min("start_at"), Max("ends_at"), Max("received_at"))
    )
    return [Cell(*row) for row in cells]
