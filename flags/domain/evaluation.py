"""Which variant a context gets, and which layer decided it.

Who wins, from the top: kill switch, off, rules in order, default variant (design §3). Rules are
compiled once into closures; evaluating touches nothing but memory.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from flags.domain.audience import RuleKind
from flags.domain.definition import FlagDefinition, RuleDefinition

Context = Mapping[str, object]


class Reason(StrEnum):
    """Standard OpenFeature reasons."""

    STATIC = "STATIC"
    TARGETING_MATCH = "TARGETING_MATCH"
    DEFAULT = "DEFAULT"
    DISABLED = "DISABLED"


class Layer(StrEnum):
    """What decided."""

    KILL_SWITCH = "kill_switch"
    OFF = "off"
    RULE = "rule"
    DEFAULT = "default"


@dataclass(frozen=True)
class Evaluation:
    """A decided flag. `metadata` holds scalars only; `rule_index` is set where a rule decided."""

    flag_key: str
    value: object
    variant: str
    reason: Reason
    layer: Layer
    metadata: Mapping[str, str | int | float | bool]
    rule_index: int | None = None


Evaluator = Callable[[Context], Evaluation]


def compile_flag(flag: FlagDefinition) -> Evaluator:
    """Return the function from a context to the flag's evaluation."""
    if flag.is_killed or not flag.is_on:
        layer = Layer.KILL_SWITCH if flag.is_killed else Layer.OFF
        return _always(_decide(flag, flag.off_variant, Reason.DISABLED, layer))
    if not flag.rules:
        return _always(_decide(flag, flag.default_variant, Reason.STATIC, Layer.DEFAULT))
    return _compile_rules(flag)


def _compile_rules(flag: FlagDefinition) -> Evaluator:
    compiled = [_compile_rule(flag, index, rule) for index, rule in enumerate(flag.rules)]
    otherwise = _decide(flag, flag.default_variant, Reason.DEFAULT, Layer.DEFAULT)

    def evaluate(context: Context) -> Evaluation:
        for fits, evaluation in compiled:
            if fits(context):
                return evaluation
        return otherwise

    return evaluate


def _compile_rule(
    flag: FlagDefinition, index: int, rule: RuleDefinition
) -> tuple[Callable[[Context], bool], Evaluation]:
    # A rule for everyone that stands first is the whole answer: no context can change it.
    is_static = rule.kind is RuleKind.EVERYONE and index == 0
    reason = Reason.STATIC if is_static else Reason.TARGETING_MATCH
    return _predicate(rule), _decide(flag, rule.variant, reason, Layer.RULE, rule=rule, index=index)


def _predicate(rule: RuleDefinition) -> Callable[[Context], bool]:
    if rule.kind is RuleKind.EVERYONE:
        return lambda context: True
    if rule.kind is RuleKind.SITE:
        return lambda context: context.get("site") == rule.site_key
    people = rule.people

    def is_member(context: Context) -> bool:
        key = context.get("targetingKey")
        return isinstance(key, str) and key in people

    return is_member


def _decide(
    flag: FlagDefinition,
    variant: str,
    reason: Reason,
    layer: Layer,
    *,
    rule: RuleDefinition | None = None,
    index: int | None = None,
) -> Evaluation:
    metadata: dict[str, str | int | float | bool] = {"criticality": flag.criticality, "layer": str(layer)}
    if rule is not None and rule.phase:
        metadata["phase"] = rule.phase
    if rule is not None and rule.site_key:
        metadata["site"] = rule.site_key
    return Evaluation(flag.key, flag.variants[variant], variant, reason, layer, metadata, index)


def _always(evaluation: Evaluation) -> Evaluator:
    return lambda context: evaluation
