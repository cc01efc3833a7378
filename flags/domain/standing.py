"""Whom a flag reaches in an environment, as far as its rules name them. Pure.

Rules of one kind and gift are taken together: how many, for whom, since when the first of them stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from flags.domain.audience import RuleKind
from flags.domain.bucketing import TOTAL_BP
from flags.domain.definition import Split


class Extent(StrEnum):
    """How far a flag is out: off, cut, on for nobody, for some, for everyone; or a variable decides."""

    OFF = "off"
    KILLED = "killed"
    NOBODY = "nobody"
    SOME = "some"
    EVERYONE = "everyone"
    VARIABLE = "variable"


@dataclass(frozen=True)
class RuleGroup:
    """Rules alike: their first place, what they give, whom they name, since when the first of them stands.

    `names` are keys of sites or names of segments.
    """

    kind: RuleKind
    position: int
    variant: str
    split: Split
    names: Sequence[str]
    count: int
    since: datetime

    def weigh(self, *, off_variant: str) -> int:
        """Return for how many of its people it is more than off, in basis points."""
        pieces = self.split or ((self.variant, TOTAL_BP),)
        return sum(weight for name, weight in pieces if name != off_variant)


@dataclass(frozen=True)
class Reached:
    """Whom a flag that is on reaches: sites by key, segments by name, a share of everyone, rules with conditions.

    `but` are sites kept off. `since` is when the first of them got it, of everyone when the rule for everyone came.
    """

    extent: Extent
    sites: Sequence[str] = ()
    people: Sequence[str] = ()
    share_bp: int = 0
    others: int = 0
    but: Sequence[str] = ()
    since: datetime | None = None


def judge_reach(groups: Sequence[RuleGroup], *, default_variant: str, off_variant: str) -> Reached:
    """Return whom a flag that is on reaches by its rules in order; what stands behind everyone's is not asked."""
    ordered = sorted(groups, key=lambda group: group.position)
    everyone = next((group for group in ordered if group.kind is RuleKind.EVERYONE), None)
    asked = [group for group in ordered if everyone is None or group.position < everyone.position]
    but = _list_kept_off(asked, off_variant=off_variant)
    on = [group for group in asked if group.weigh(off_variant=off_variant)]
    share = everyone.weigh(off_variant=off_variant) if everyone else 0 if default_variant == off_variant else TOTAL_BP
    if share == TOTAL_BP:
        return Reached(Extent.EVERYONE, but=but, since=everyone.since if everyone else None)
    named = {
        kind: sorted({name for group in on if group.kind is kind for name in group.names} - set(but))
        for kind in RuleKind
    }
    others = sum(group.count for group in on if group.kind is RuleKind.CONDITIONS)
    sites, people = named[RuleKind.SITE], named[RuleKind.SEGMENT]
    if not (sites or people or others or share):
        return Reached(Extent.NOBODY)
    moments = [group.since for group in on] + ([everyone.since] if everyone and share else [])
    return Reached(Extent.SOME, sites=sites, people=people, share_bp=share, others=others, but=but, since=min(moments))


def _list_kept_off(groups: Sequence[RuleGroup], *, off_variant: str) -> list[str]:
    """Return the keys of sites that a rule keeps off."""
    names = {
        name
        for group in groups
        if group.kind is RuleKind.SITE and not group.weigh(off_variant=off_variant)
        for name in group.names
    }
    return sorted(names)
