"""An environment as a flagd flag definition (contracts §4): JsonLogic that means what evaluation does.

Off and the kill switch are ENABLED with the off variant as default: flagd answers DISABLED with the
code's own default, which is another value than the one the portal serves.
"""

from typing import Any

from flags.domain.audience import RuleKind
from flags.domain.conditions import Logic, conditions_logic
from flags.domain.definition import EnvironmentDefinition, FlagDefinition, RuleDefinition
from flags.domain.evaluation import find_fixed_layer


def export_environment(definition: EnvironmentDefinition) -> dict[str, Any]:
    """Return the whole environment; nothing in it but what clients can see."""
    return {
        "flags": {key: export_flag(flag) for key, flag in sorted(definition.flags.items())},
        "metadata": {"environment": definition.key},
    }


def export_flag(flag: FlagDefinition) -> dict[str, Any]:
    """Return one flag."""
    fixed = find_fixed_layer(flag)
    exported: dict[str, Any] = {
        "state": "ENABLED",
        "variants": dict(flag.variants),
        "defaultVariant": flag.default_variant if fixed is None else fixed[0],
    }
    if fixed is None and flag.rules:
        exported["targeting"] = {"if": [part for rule in flag.rules for part in _rule_logic(rule)]}
    return exported | {"metadata": {"criticality": flag.criticality}}


def _rule_logic(rule: RuleDefinition) -> tuple[Logic, Logic]:
    """Return a rule as two arguments of `if`: for whom, and what."""
    given: Logic = {"fractional": [list(piece) for piece in rule.split]} if rule.split else rule.variant
    return _audience_logic(rule), given


def _audience_logic(rule: RuleDefinition) -> Logic:
    if rule.kind is RuleKind.EVERYONE:
        return True
    if rule.kind is RuleKind.SITE:
        return {"===": [{"var": ["site"]}, rule.site_key]}
    if rule.kind is RuleKind.CONDITIONS:
        return conditions_logic(rule.conditions)
    named = {"in": [{"var": ["targetingKey"]}, sorted(rule.people)]}
    return {"or": [named, conditions_logic(rule.conditions)]} if rule.conditions else named
