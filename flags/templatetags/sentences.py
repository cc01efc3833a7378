"""Rules as sentences: `{{ rule|gift }}`, `{{ rule.asked|conditions }}`."""

import json
from collections.abc import Iterable

from django import template

from flags.domain.conditions import Condition
from flags.models import Rule
from flags.sentences import say_conditions, say_gift, say_share, say_whom

register = template.Library()


@register.filter
def gift(rule: Rule) -> str:
    """Return what a rule gives."""
    return say_gift(rule.variant, rule.pieces)


@register.filter
def as_json(value: object) -> str:
    """Return a variant's value as it is typed and served, e.g. `true`."""
    return json.dumps(value, ensure_ascii=False)


@register.filter
def whom(rule: Rule) -> str:
    """Return whom a rule is for."""
    return say_whom(rule)


@register.filter
def conditions(asked: Iterable[Condition]) -> str:
    """Return conditions that must all hold."""
    return say_conditions(asked)


@register.filter
def condition(one: Condition) -> str:
    """Return one condition."""
    return say_conditions([one])


@register.filter
def share(weight_bp: int) -> str:
    """Return basis points as a percentage."""
    return say_share(weight_bp)
