"""Verdicts and faults as sentences: `{{ verdict|sentence }}`, `{{ pull|fault }}`."""

from collections.abc import Mapping
from typing import Any, Protocol

from django import template

from health.labels import say_judgement, say_lane
from health.models import PrometheusPull, QueryGuardrail, QueryReading
from health.prometheus import QueryReading as Answer
from health.prometheus import SourceFault
from health.query_labels import say_number, say_reading
from health.source_labels import say_fault

register = template.Library()


class Spoken(Protocol):
    """What a sentence is made of: judged now, stored, or kept as a rollback's evidence."""

    @property
    def code(self) -> str: ...
    @property
    def n(self) -> int: ...
    @property
    def k(self) -> int: ...
    @property
    def data(self) -> Mapping[str, Any]: ...
    @property
    def bound_bp(self) -> int | None: ...
    @property
    def baseline_bp(self) -> int | None: ...


@register.filter
def sentence(verdict: Spoken) -> str:
    """Return what a verdict means, with its numbers."""
    return say_judgement(
        code=verdict.code,
        n=verdict.n,
        k=verdict.k,
        data=verdict.data,
        bound_bp=verdict.bound_bp,
        baseline_bp=verdict.baseline_bp,
    )


@register.filter
def lane_name(lane: str) -> str:
    """Return what a lane is called."""
    return say_lane(lane)


@register.filter
def number(value: float | None) -> str:
    """Return a query's value or limit with the digits that matter."""
    return say_number(value)


@register.filter
def is_beyond(reading: QueryReading, guardrail: QueryGuardrail) -> bool:
    """Tell whether what a query said does not keep its limit."""
    return reading.value is not None and guardrail.facts.is_beyond(reading.value)


@register.filter
def reading_fault(reading: QueryReading | Answer) -> str:
    """Return why a query gave no value."""
    return say_reading(reading.code, reading.data)


@register.filter
def fault(found: PrometheusPull | SourceFault) -> str:
    """Return why a source gives no figures."""
    if isinstance(found, SourceFault):
        return say_fault(found.code, found.data)
    return say_fault(found.fault, found.fault_data)
