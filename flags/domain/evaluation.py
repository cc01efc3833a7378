"""Which variant a context gets, and which layer decided it.

Who wins, from the top: environment variable saying off, kill switch, environment variable saying
anything else, off, rules in order, default variant (design §3). Rules are compiled once into
closures; evaluating touches nothing but memory.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from typing import TypeVar

from flags.domain.audience import RuleKind
from flags.domain.bucketing import compile_bucket
from flags.domain.conditions import Context, Predicate, compile_conditions
from flags.domain.definition import FlagDefinition, RuleDefinition


class Reason(StrEnum):
    """Standard OpenFeature reasons."""

    STATIC = "STATIC"
    TARGETING_MATCH = "TARGETING_MATCH"
    SPLIT = "SPLIT"
    DEFAULT = "DEFAULT"
    DISABLED = "DISABLED"


class Layer(StrEnum):
    """What decided."""

    VARIABLE = "variable"
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


class TargetingKeyMissing(Exception):
    """Evaluation reached a split and the context says not (usably) whose it is."""

    def __init__(self, flag_key: str, *, rule_index: int) -> None:
        super().__init__(flag_key)
        self.flag_key = flag_key
        self.rule_index = rule_index


#: Raises TargetingKeyMissing where a context without a targeting key reaches a split.
Evaluator = Callable[[Context], Evaluation]

#: What a caller makes of each evaluation, once: the answer it sends, for example.
Shaped = TypeVar("Shaped")


def compile_flag(flag: FlagDefinition) -> Evaluator:
    """Return the function from a context to the flag's evaluation."""
    return compile_shaped(flag, shape=lambda evaluation: evaluation)


def compile_shaped(flag: FlagDefinition, *, shape: Callable[[Evaluation], Shaped]) -> Callable[[Context], Shaped]:
    """Return the function from a context to what `shape` makes of the flag's evaluation.

    A flag has few evaluations, whoever asks: each is shaped now, none while somebody waits.
    """
    fixed = find_fixed_layer(flag)
    if fixed is not None:
        variant, reason, layer = fixed
        return _always(shape(_decide(flag, variant, reason, layer)))
    if not flag.rules:
        return _always(shape(_decide(flag, flag.default_variant, Reason.STATIC, Layer.DEFAULT)))
    return _compile_rules(flag, shape)


def find_fixed_layer(flag: FlagDefinition) -> tuple[str, Reason, Layer] | None:
    """Return the variant, reason and layer that stand above the rules; None where the rules are asked."""
    override = flag.override
    if override is not None and override.is_off:
        return override.variant, Reason.DISABLED, Layer.VARIABLE
    if flag.is_killed:
        return flag.off_variant, Reason.DISABLED, Layer.KILL_SWITCH
    if override is not None:
        return override.variant, Reason.STATIC, Layer.VARIABLE
    if not flag.is_on:
        return flag.off_variant, Reason.DISABLED, Layer.OFF
    return None


def _compile_rules(flag: FlagDefinition, shape: Callable[[Evaluation], Shaped]) -> Callable[[Context], Shaped]:
    otherwise = _always(shape(_decide(flag, flag.default_variant, Reason.DEFAULT, Layer.DEFAULT)))
    compiled = [(compile_rule(rule), _compile_gift(flag, index, shape)) for index, rule in enumerate(flag.rules)]
    if len(compiled) == 1:
        [(fits_only, give_only)] = compiled
        return lambda context: give_only(context) if fits_only(context) else otherwise(context)

    def evaluate(context: Context) -> Shaped:
        for fits, give in compiled:
            if fits(context):
                return give(context)
        return otherwise(context)

    return evaluate


def _compile_gift(
    flag: FlagDefinition, index: int, shape: Callable[[Evaluation], Shaped]
) -> Callable[[Context], Shaped]:
    """Return what a rule gives: the same to everybody, or for a split one of its pieces by bucket."""
    rule = flag.rules[index]
    if rule.split:
        return _compile_split(flag, index, shape)
    # A rule for everyone that stands first is the whole answer: no context can change it.
    is_static = rule.kind is RuleKind.EVERYONE and index == 0
    reason = Reason.STATIC if is_static else Reason.TARGETING_MATCH
    return _always(shape(_decide(flag, rule.variant, reason, Layer.RULE, rule=rule, index=index)))


def _compile_split(
    flag: FlagDefinition, index: int, shape: Callable[[Evaluation], Shaped]
) -> Callable[[Context], Shaped]:
    rule = flag.rules[index]
    ends = list(accumulate(weight for _name, weight in rule.split))
    pieces = [
        shape(_decide(flag, name, Reason.SPLIT, Layer.RULE, rule=rule, index=index)) for name, _weight in rule.split
    ]
    key, find = flag.key, compile_bucket(flag.key)

    def choose(context: Context) -> Shaped:
        bucket = find(context.get("targetingKey"))
        if bucket is None:
            raise TargetingKeyMissing(key, rule_index=index)
        return pieces[bisect_right(ends, bucket)]

    return choose


def compile_rule(rule: RuleDefinition) -> Predicate:
    """Return the function that tells whether a rule is for a context."""
    if rule.kind is RuleKind.EVERYONE:
        return lambda context: True
    if rule.kind is RuleKind.SITE:
        site = rule.site_key
        return lambda context: context.get("site") == site
    if rule.kind is RuleKind.CONDITIONS:
        return compile_conditions(rule.conditions)
    return _compile_segment(rule)


def is_named(rule: RuleDefinition, context: Context) -> bool:
    """Tell whether a segment's rule holds a context's person by targeting key."""
    key = context.get("targetingKey")
    return isinstance(key, str) and key in rule.people


def _compile_segment(rule: RuleDefinition) -> Predicate:
    people = rule.people

    def holds_person(context: Context) -> bool:
        key = context.get("targetingKey")
        return isinstance(key, str) and key in people

    if not rule.conditions:
        return holds_person
    hold = compile_conditions(rule.conditions)
    return lambda context: holds_person(context) or hold(context)


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


def _always(shaped: Shaped) -> Callable[[Context], Shaped]:
    return lambda context: shaped
