"""What a promotion of rules would do, in rows and in numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flags.definitions import define_flag, load_surroundings
from flags.dependants import Origin, describe_origins, list_drivers
from flags.domain.audience import RuleAudience, RuleKind
from flags.domain.definition import Override
from flags.domain.promotion import Promotion, RuleContent, Sign, StandingRule, plan_promotion
from flags.domain.prospect import Move, compare_flags, list_unknown
from flags.models import Environment, Flag, FlagState, Rule
from flags.overrides import find_override
from flags.preview_queries import list_subjects
from flags.queries import list_state_versions


@dataclass(frozen=True)
class LineView:
    """One line of the difference with its rule, and the rollout that laid it."""

    sign: Sign
    rule: Rule
    origin: Origin | None


@dataclass(frozen=True)
class PromotionView:
    """A promotion as its page shows it; versions are what the form sends back.

    `left_out` are the source's rules that a rollout laid, `drivers` what refuses the promotion now.
    `moves` counts whom it changes, `unknown` are the attributes that only a till that asks can tell.
    """

    source: FlagState
    target: FlagState
    source_version: int
    target_version: int
    promotion: Promotion
    before: Sequence[LineView]
    after: Sequence[LineView]
    lines: Sequence[LineView]
    left_out: Sequence[LineView]
    drivers: Sequence[Origin]
    moves: Sequence[Move]
    unknown: Sequence[str]
    override: Override | None

    @property
    def can_go(self) -> bool:
        return not (self.drivers or self.promotion.is_empty)


def draw_promotion(source: FlagState, target: FlagState) -> Promotion:
    """Return what promoting a flag's rules would do: two queries, none where the rules are prefetched."""
    return plan_promotion(stand_rules(source), stand_rules(target), was_on=target.is_on, is_on=source.is_on)


def stand_rules(state: FlagState) -> list[StandingRule]:
    """Return a state's rules in their places: one query, none where they are prefetched."""
    return [
        StandingRule(
            rule.pk,
            rule.position,
            RuleContent(
                RuleAudience(RuleKind(rule.kind), rule.segment_id, rule.site_id, rule.asked), rule.variant, rule.pieces
            ),
            is_own=not rule.origin,
        )
        for rule in state.rules.all()
    ]


def view_promotion(flag: Flag, *, source: Environment, target: Environment) -> PromotionView:
    """Return what promoting a flag's rules would do, in sentences and numbers; queries do not grow with rules."""
    rows = flag.states.select_related("environment", "flag").prefetch_related("rules__segment", "rules__site")
    states = {state.environment_id: state for state in rows.filter(environment__in=[source, target])}
    old, new = states[target.pk], states[source.pk]
    versions = list_state_versions([old.pk, new.pk])
    promotion = draw_promotion(new, old)
    rules = {rule.pk: rule for state in (old, new) for rule in state.rules.all()}
    origins = describe_origins({rule.origin for rule in rules.values()})

    def show(rule_id: int, sign: Sign = Sign.KEPT) -> LineView:
        return LineView(sign, rules[rule_id], origins.get(rules[rule_id].origin))

    moves, unknown = _count(old, [rules[line.rule_id] for line in promotion.result], is_on=promotion.is_on)
    return PromotionView(
        source=new,
        target=old,
        source_version=versions[new.pk],
        target_version=versions[old.pk],
        promotion=promotion,
        before=[show(rule.pk) for rule in old.rules.all()],
        after=[show(line.rule_id) for line in promotion.result],
        lines=[show(line.rule_id, line.sign) for line in promotion.lines],
        left_out=[show(rule_id) for rule_id in promotion.left_out],
        drivers=list_drivers(flag_id=flag.pk, environment_id=target.pk),
        moves=moves,
        unknown=unknown,
        override=find_override(old),
    )


def _count(state: FlagState, rules: Sequence[Rule], *, is_on: bool) -> tuple[Sequence[Move], Sequence[str]]:
    """Return who would get another variant than now, as far as is known, and which attributes are not: five queries."""
    surroundings, subjects = load_surroundings(), list_subjects()
    before = define_flag(state, state.rules.all(), surroundings)
    after = replace(define_flag(state, rules, surroundings), is_on=is_on)
    return compare_flags(before, after, subjects), list_unknown((*before.rules, *after.rules), subjects)
