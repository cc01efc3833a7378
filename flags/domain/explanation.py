"""Why a context gets its value: which layer decided, and why each rule asked did or did not fit."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from flags.domain.audience import RuleKind
from flags.domain.bucketing import find_bucket
from flags.domain.conditions import Condition, Context, compile_condition
from flags.domain.definition import FlagDefinition, RuleDefinition
from flags.domain.evaluation import Evaluation, TargetingKeyMissing, compile_flag, compile_rule, is_named


class Why(StrEnum):
    """Why a rule fits or does not."""

    FOR_EVERYONE = "for_everyone"
    NAMED = "named"
    NOT_NAMED = "not_named"
    AT_SITE = "at_site"
    NOT_AT_SITE = "not_at_site"
    CONDITIONS_HOLD = "conditions_hold"
    CONDITIONS_FAIL = "conditions_fail"


@dataclass(frozen=True)
class ConditionAnswer:
    """One condition with what the context says; `found` is None where it says nothing."""

    condition: Condition
    found: object
    holds: bool


@dataclass(frozen=True)
class RuleAnswer:
    """One rule that was asked. `bucket` is set where it fits and splits, if somebody has one."""

    number: int
    rule: RuleDefinition
    fits: bool
    why: Why
    conditions: tuple[ConditionAnswer, ...] = ()
    bucket: int | None = None


@dataclass(frozen=True)
class Explanation:
    """The decision, or None where a split was reached without a targeting key; and the way to it."""

    flag: FlagDefinition
    context: Mapping[str, object]
    evaluation: Evaluation | None
    rules: tuple[RuleAnswer, ...]
    not_asked: int


def explain(flag: FlagDefinition, context: Context) -> Explanation:
    """Return how evaluation comes to its value for a context; it is evaluation that decides."""
    try:
        evaluation: Evaluation | None = compile_flag(flag)(context)
        last = evaluation.rule_index if evaluation else None
        are_asked = evaluation is not None and evaluation.layer in {"rule", "default"}
    except TargetingKeyMissing as missing:
        evaluation, last, are_asked = None, missing.rule_index, True
    asked = flag.rules if last is None else flag.rules[: last + 1]
    answers = [_answer(flag, number, rule, context) for number, rule in enumerate(asked, 1)] if are_asked else []
    return Explanation(flag, context, evaluation, tuple(answers), len(flag.rules) - len(answers))


def _answer(flag: FlagDefinition, number: int, rule: RuleDefinition, context: Context) -> RuleAnswer:
    fits = compile_rule(rule)(context)
    bucket = None
    if fits and rule.split:
        bucket = find_bucket(flag_key=flag.key, targeting_key=context.get("targetingKey"))
    conditions = tuple(
        ConditionAnswer(one, context.get(one.attribute), compile_condition(one)(context)) for one in rule.conditions
    )
    return RuleAnswer(number, rule, fits, _why(rule, context, fits=fits), conditions, bucket)


def _why(rule: RuleDefinition, context: Context, *, fits: bool) -> Why:
    if rule.kind is RuleKind.EVERYONE:
        return Why.FOR_EVERYONE
    if rule.kind is RuleKind.SITE:
        return Why.AT_SITE if fits else Why.NOT_AT_SITE
    if rule.kind is RuleKind.SEGMENT and (not rule.conditions or is_named(rule, context)):
        return Why.NAMED if fits else Why.NOT_NAMED
    return Why.CONDITIONS_HOLD if fits else Why.CONDITIONS_FAIL
