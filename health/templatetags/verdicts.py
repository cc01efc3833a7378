"""Verdicts as sentences: `{{ verdict|sentence }}`."""

from django import template

from health.domain.verdict import Judgement
from health.labels import say_judgement
from health.models import StoredVerdict

register = template.Library()


@register.filter
def sentence(verdict: Judgement | StoredVerdict) -> str:
    """Return what a verdict means, with its numbers."""
    return say_judgement(
        code=verdict.code,
        n=verdict.n,
        k=verdict.k,
        data=verdict.data,
        bound_bp=verdict.bound_bp,
        baseline_bp=verdict.baseline_bp,
    )
