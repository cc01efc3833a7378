"""Rows as the values that evaluation takes: one place, whoever asks."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from flags.domain.audience import RuleKind
from flags.domain.conditions import Condition, parse_conditions
from flags.domain.definition import FlagDefinition, RuleDefinition
from flags.models import FlagState, Rule, Segment, SegmentMember, Site
from flags.overrides import find_override


@dataclass(frozen=True)
class SegmentContent:
    """Whom a segment holds: people by targeting key, and whoever its conditions hold for."""

    key: str
    people: AbstractSet[str]
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Surroundings:
    """What rules refer to, by primary key."""

    segments: Mapping[int, SegmentContent]
    site_keys: Mapping[int, str]


def load_surroundings(*, site: Site | None = None) -> Surroundings:
    """Return every segment and site key: three queries. With a site, segments hold its people alone."""
    members = SegmentMember.objects.filter(site=site) if site else SegmentMember.objects.all()
    people: dict[int, set[str]] = {}
    for segment_id, targeting_key in members.values_list("segment_id", "targeting_key"):
        people.setdefault(segment_id, set()).add(targeting_key)
    segments = {
        pk: SegmentContent(key, frozenset(people.get(pk, ())), parse_conditions(conditions))
        for pk, key, conditions in Segment.objects.values_list("pk", "key", "conditions")
    }
    return Surroundings(segments, dict(Site.objects.values_list("pk", "key")))


def define_rule(rule: Rule, surroundings: Surroundings) -> RuleDefinition:
    """Return a stored rule as a value."""
    segment = surroundings.segments.get(rule.segment_id or 0)
    return RuleDefinition(
        kind=RuleKind(rule.kind),
        variant=rule.variant,
        phase=rule.phase,
        people=frozenset(segment.people) if segment else frozenset(),
        site_key=surroundings.site_keys.get(rule.site_id or 0, ""),
        conditions=segment.conditions if segment else rule.asked,
        split=rule.pieces,
        segment_key=segment.key if segment else "",
    )


def define_flag(state: FlagState, rules: Iterable[Rule], surroundings: Surroundings) -> FlagDefinition:
    """Return a flag as its environment serves it in this process, rules in the order given."""
    flag = state.flag
    return FlagDefinition(
        key=flag.key,
        variants=flag.values,
        default_variant=flag.default_variant,
        off_variant=flag.off_variant,
        is_on=state.is_on,
        is_killed=state.is_killed,
        rules=tuple(define_rule(rule, surroundings) for rule in rules),
        criticality=flag.criticality,
        override=find_override(state),
    )
