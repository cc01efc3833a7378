"""What can be told beforehand of somebody of whom only some attributes are known.

An attribute that a context lacks is unknown here, not missing: only the till tells it, when it asks.
Who is not known by targeting key is nobody whom a list names.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from flags.domain.audience import RuleKind
from flags.domain.bucketing import find_bucket
from flags.domain.conditions import Condition, Context, compile_condition
from flags.domain.definition import FlagDefinition, RuleDefinition
from flags.domain.evaluation import compile_flag, find_fixed_layer, is_named


class Fit(StrEnum):
    """Whether a rule is for somebody, as far as is known."""

    YES = "yes"
    NO = "no"
    MAYBE = "maybe"


def judge_fit(rule: RuleDefinition, context: Context) -> Fit:
    """Return whether a rule is for a context of which more may be to come."""
    if rule.kind is RuleKind.EVERYONE:
        return Fit.YES
    if rule.kind is RuleKind.SITE:
        if "site" not in context:
            return Fit.MAYBE
        return Fit.YES if context["site"] == rule.site_key else Fit.NO
    if rule.kind is RuleKind.SEGMENT and (is_named(rule, context) or not rule.conditions):
        return Fit.YES if is_named(rule, context) else Fit.NO
    known = [one for one in rule.conditions if one.attribute in context]
    if not all(compile_condition(one)(context) for one in known):
        return Fit.NO
    return Fit.YES if len(known) == len(rule.conditions) else Fit.MAYBE


def find_ends(flag: FlagDefinition, context: Context) -> tuple[int | None, ...]:
    """Return the rules that may decide, by index and in order; the last one does where none before it fits.

    None, always the last, is the default variant. One end alone is certain. Asks only the rules:
    what stands above them is `find_fixed_layer`.
    """
    ends: list[int | None] = []
    for index, rule in enumerate(flag.rules):
        fit = judge_fit(rule, context)
        if fit is not Fit.NO:
            ends.append(index)
        if fit is Fit.YES:
            return tuple(ends)
    return (*ends, None)


def find_variant(flag: FlagDefinition, context: Context) -> str | None:
    """Return the variant a context certainly gets, None where it depends on what is unknown."""
    if find_fixed_layer(flag) is None:
        ends = find_ends(flag, context)
        if len(ends) > 1:
            return None
        end = ends[0]
        is_split = end is not None and flag.rules[end].split
        if is_split and find_bucket(flag_key=flag.key, targeting_key=context.get("targetingKey")) is None:
            return None
    return compile_flag(flag)(context).variant


@dataclass(frozen=True)
class Subject:
    """A till or a named person; `context` holds what the portal knows of them."""

    is_person: bool
    context: Mapping[str, object]


@dataclass(frozen=True)
class Move:
    """So many tills and named people get another variant than before."""

    before: str
    after: str
    tills: int
    people: int

    @property
    def sites(self) -> int:
        """Not counted: it says nothing that the tills do not."""
        return 0


@dataclass(frozen=True)
class Preview:
    """Whom a rule reaches, in numbers, once the rules before it have had their say.

    Where `is_at_most`, more is to be known when they ask, `unknown` attributes among it. `shares`
    counts, for a split, the named people by variant. Only `moves` looks at what stands above rules.
    """

    sites: int
    tills: int
    people: int
    is_at_most: bool
    unknown: tuple[str, ...]
    shares: tuple[tuple[str, int], ...]
    moves: tuple[Move, ...]
    shadow: int | None


def preview_rule(before: FlagDefinition, after: FlagDefinition, *, index: int, subjects: Sequence[Subject]) -> Preview:
    """Return whom the rule at `index` of `after` reaches, and who gets another variant than of `before`.

    `shadow` is the index of an earlier rule for everyone: behind it nobody is reached.
    """
    rule = after.rules[index]
    hit = [one for one in subjects if index in find_ends(after, one.context)]
    people = [one for one in hit if one.is_person]
    shadow = next((n for n, one in enumerate(after.rules[:index]) if one.kind is RuleKind.EVERYONE), None)
    return Preview(
        sites=len({one.context["site"] for one in hit if not one.is_person}),
        tills=len(hit) - len(people),
        people=len(people),
        is_at_most=any(find_ends(after, one.context) != (index,) for one in hit),
        unknown=list_unknown(after.rules[: index + 1], subjects) if shadow is None else (),
        shares=_count_shares(rule, after.key, people),
        moves=compare_flags(before, after, subjects),
        shadow=shadow,
    )


def list_unknown(rules: Sequence[RuleDefinition], subjects: Iterable[Subject]) -> tuple[str, ...]:
    """Return the attributes that rules ask about and no subject is known by."""
    known = {name for one in subjects for name in one.context} | {"site", "till", "targetingKey"}
    asked: Iterable[Condition] = (condition for rule in rules for condition in rule.conditions)
    return tuple(dict.fromkeys(one.attribute for one in asked if one.attribute not in known))


def _count_shares(rule: RuleDefinition, flag_key: str, people: Iterable[Subject]) -> tuple[tuple[str, int], ...]:
    counts = {name: 0 for name, _weight in rule.split}
    for one in people if rule.split else ():
        bucket = find_bucket(flag_key=flag_key, targeting_key=one.context.get("targetingKey"))
        end = 0
        for name, weight in rule.split:
            end += weight
            if bucket is not None and bucket < end:
                counts[name] += 1
                break
    return tuple(counts.items())


def compare_flags(before: FlagDefinition, after: FlagDefinition, subjects: Iterable[Subject]) -> tuple[Move, ...]:
    """Return how many certainly get another variant of `after` than of `before`."""
    counts: dict[tuple[str, str], list[int]] = {}
    for one in subjects:
        old, new = find_variant(before, one.context), find_variant(after, one.context)
        if old is not None and new is not None and old != new:
            counts.setdefault((old, new), [0, 0])[one.is_person] += 1
    return tuple(Move(old, new, tills, people) for (old, new), (tills, people) in counts.items())
