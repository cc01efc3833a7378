"""A flag's rules from one environment to another: what the other would have, line by line.

Rules that people laid are taken over; those that a rollout laid belong to that rollout and stay where
they are, on both sides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from flags.domain.audience import RuleAudience
from flags.domain.definition import Split


@dataclass(frozen=True)
class RuleContent:
    """What a rule says: for whom, and which variant or split."""

    audience: RuleAudience
    variant: str
    split: Split


@dataclass(frozen=True)
class StandingRule:
    """A stored rule in its place; `is_own` where a person laid it."""

    rule_id: int
    position: int
    content: RuleContent
    is_own: bool


class Sign(StrEnum):
    """What becomes of a line; `MOVED` is kept, but asked after one that it stood before."""

    ADDED = "added"
    REMOVED = "removed"
    KEPT = "kept"
    MOVED = "moved"


@dataclass(frozen=True)
class Line:
    """One line of the difference, at its position: the one it will have, or had where it is removed.

    `rule_id` is the target's rule, the source's where it is added.
    """

    sign: Sign
    position: int
    rule_id: int
    content: RuleContent


@dataclass(frozen=True)
class Promotion:
    """What a promotion would do to its target; `left_out` are rules of the source that a rollout laid."""

    lines: tuple[Line, ...]
    left_out: tuple[int, ...]
    was_on: bool
    is_on: bool

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing would change."""
        return self.was_on == self.is_on and all(line.sign is Sign.KEPT for line in self.lines)

    @property
    def result(self) -> tuple[Line, ...]:
        """The target's rules as they would stand, in order."""
        return tuple(line for line in self.lines if line.sign is not Sign.REMOVED)


def plan_promotion(
    source: Sequence[StandingRule], target: Sequence[StandingRule], *, was_on: bool, is_on: bool
) -> Promotion:
    """Return what it takes to bring the rules of `source`, both in order, to `target`.

    People's rules go, in their order, into the places of people's rules there, and behind all others
    where those do not suffice: a rollout's rule is never asked earlier or later than it was.
    """
    coming = [rule for rule in source if rule.is_own]
    own = [rule for rule in target if rule.is_own]
    places = [rule.position for rule in own]
    end = max((rule.position for rule in target), default=0)
    places += range(end + 1, end + 1 + len(coming) - len(own))
    kept = _match(coming, own)
    lines = [Line(Sign.KEPT, rule.position, rule.rule_id, rule.content) for rule in target if not rule.is_own]
    furthest = 0
    for rule, place in zip(coming, places, strict=False):
        old = kept.get(rule.rule_id)
        if old is None:
            lines.append(Line(Sign.ADDED, place, rule.rule_id, rule.content))
            continue
        lines.append(Line(Sign.MOVED if old.position < furthest else Sign.KEPT, place, old.rule_id, old.content))
        furthest = max(furthest, old.position)
    gone = {rule.rule_id for rule in own} - {old.rule_id for old in kept.values()}
    lines += [Line(Sign.REMOVED, rule.position, rule.rule_id, rule.content) for rule in own if rule.rule_id in gone]
    return Promotion(
        lines=tuple(sorted(lines, key=lambda line: (line.position, line.sign is not Sign.REMOVED))),
        left_out=tuple(rule.rule_id for rule in source if not rule.is_own),
        was_on=was_on,
        is_on=is_on,
    )


def _match(coming: Sequence[StandingRule], own: Sequence[StandingRule]) -> dict[int, StandingRule]:
    """Return, by the coming rule's id, the rule that says the same already; each is found once."""
    free = list(own)
    found: dict[int, StandingRule] = {}
    for rule in coming:
        same = next((one for one in free if one.content == rule.content), None)
        if same is not None:
            free.remove(same)
            found[rule.rule_id] = same
    return found
