"""A dossier's facts in words. No clock is read: the same facts are said the same for good."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django import template
from django.utils import timezone

from core.labels import say_actor
from core.templatetags.portal import span
from health.labels import say_judgement, say_lane
from incidents.domain.dossier import read_moment
from incidents.dossier_labels import DECISIONS, ENDS, SCOPES
from rollouts.story_words import say_event
from rollouts.template_labels import GATES

register = template.Library()


@register.filter
def stamp(text: str | None) -> str:
    """Return a moment of the facts with its year and seconds, in the portal's zone."""
    if text is None:
        return "—"
    return f"{timezone.localtime(read_moment(text)):%Y-%m-%d %H:%M:%S}"


@register.filter
def lasted(seconds: int | None) -> str:
    """Return a length of time in words, with its sign where something came too soon."""
    if seconds is None:
        return "—"
    return f"{'−' if seconds < 0 else ''}{span(timedelta(seconds=seconds))}"


@register.filter
def told(event: Mapping[str, Any]) -> str:
    """Return a line of the story as a sentence."""
    return say_event(kind=event["kind"], data=event["data"])


@register.filter
def actor(event: Mapping[str, Any]) -> str:
    """Return who did it."""
    return say_actor(kind=event["by_kind"], label=event["by"])


@register.filter
def judged(decision: Mapping[str, Any]) -> str:
    """Return what a guardrail saw, with its numbers."""
    return say_judgement(
        code=decision["code"],
        n=decision["n"],
        k=decision["k"],
        data=decision["data"],
        bound_bp=decision["bound_bp"],
        baseline_bp=decision["baseline_bp"],
    )


@register.filter
def lane(code: str) -> str:
    """Return what a guardrail is called."""
    return say_lane(code)


@register.filter
def ended(code: str) -> str:
    """Return what took something away."""
    return str(ENDS.get(code, code))


@register.filter
def gates(codes: list[str]) -> str:
    """Return what a phase asked for before the next one began."""
    return ", ".join(str(GATES.get(code, code)) for code in codes)


@register.filter
def decided(code: str) -> str:
    """Return what somebody decided."""
    return str(DECISIONS.get(code, code))


@register.filter
def scope(code: str) -> str:
    """Return what a rollback took back."""
    return str(SCOPES.get(code, code))


@register.filter
def mean(day: Mapping[str, Any]) -> str:
    """Return a day's mean rating."""
    return f"{day['sum'] / day['ratings']:.1f}"
