"""The life of a flag: made, in use, fully out, stale, archived; and since when it is fully out.

Fully out is a flag of which everybody gets the same, and not what the flag switched off would give.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import groupby

from flags.domain.audience import RuleKind
from flags.domain.definition import RuleDefinition


class Stage(StrEnum):
    """`CREATED` until it is switched on somewhere or has a rule; `STALE` so long after it was fully out."""

    CREATED = "created"
    IN_USE = "in_use"
    FULLY_OUT = "fully_out"
    STALE = "stale"
    ARCHIVED = "archived"


@dataclass(frozen=True)
class Life:
    """A flag's stage, with the moments behind it; `stale_at` lies ahead while it is fully out.

    `expired_on` is the day by which it was to leave the code, once that day has passed.
    """

    stage: Stage
    out_since: datetime | None = None
    stale_at: datetime | None = None
    expired_on: date | None = None

    @property
    def is_due(self) -> bool:
        """Tell whether it is to be removed."""
        return self.stage is Stage.STALE or self.expired_on is not None


def find_common_variant(rules: Iterable[RuleDefinition], *, default_variant: str) -> str | None:
    """Return the variant that everybody gets of a flag that is on; None where people may differ.

    What stands behind a rule for everyone is never asked.
    """
    given: set[str] = set()
    for rule in rules:
        given.update([name for name, weight in rule.split if weight] or [rule.variant])
        if len(given) > 1:
            return None
        if rule.kind is RuleKind.EVERYONE:
            break
    else:
        given.add(default_variant)
    return given.pop() if len(given) == 1 else None


@dataclass(frozen=True)
class Change:
    """What history says of a flag in one environment: from `at` on it was on or off, or had a rule or not.

    `is_on` is None where only a rule changed; `rule` is None where the rule of that id went.
    """

    at: datetime
    is_on: bool | None = None
    rule_id: int | None = None
    position: int = 0
    rule: RuleDefinition | None = None


def find_out_since(changes: Iterable[Change], *, default_variant: str, off_variant: str) -> datetime | None:
    """Return since when everybody has got the same variant, other than off; None where they do not.

    Changes of one moment count together: a rule that is moved never stands in two places.
    """
    is_on, rules = False, _RulesInOrder()
    reached: str | None = None
    since: datetime | None = None
    for at, together in groupby(sorted(changes, key=lambda change: change.at), key=lambda change: change.at):
        for change in together:
            is_on = is_on if change.is_on is None else change.is_on
            # Off for no time at all is off all the same.
            reached = None if change.is_on is False else reached
            rules.apply(change)
        may_be_out = rules.has_one_for_everyone or default_variant != off_variant
        before, reached = reached, None
        if may_be_out:
            reached = find_out_variant(rules, is_on=is_on, default_variant=default_variant, off_variant=off_variant)
        since = None if reached is None else since if reached == before else at
    return since


class _RulesInOrder:
    """The rules of one state while its history goes on: a thousand come one by one, each in its place at once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, RuleDefinition]] = {}
        self._order: list[tuple[int, int]] = []
        self._for_everyone: set[int] = set()

    def __iter__(self) -> Iterator[RuleDefinition]:
        return (self._known[rule_id][1] for _position, rule_id in self._order)

    @property
    def has_one_for_everyone(self) -> bool:
        return bool(self._for_everyone)

    def apply(self, change: Change) -> None:
        if change.rule_id is None:
            return
        if old := self._known.pop(change.rule_id, None):
            del self._order[bisect_left(self._order, (old[0], change.rule_id))]
            self._for_everyone.discard(change.rule_id)
        if change.rule is not None:
            self._known[change.rule_id] = (change.position, change.rule)
            insort(self._order, (change.position, change.rule_id))
            if change.rule.kind is RuleKind.EVERYONE:
                self._for_everyone.add(change.rule_id)


def find_out_variant(
    rules: Iterable[RuleDefinition], *, is_on: bool, default_variant: str, off_variant: str
) -> str | None:
    """Return the variant that everybody gets and would not get of the flag switched off."""
    common = find_common_variant(rules, default_variant=default_variant) if is_on else None
    return None if common == off_variant else common


def judge_life(
    *,
    is_touched: bool,
    out_since: datetime | None,
    is_permanent: bool,
    expires_on: date | None,
    archived_at: datetime | None,
    stale_after: timedelta,
    now: datetime,
    today: date,
) -> Life:
    """Return a flag's stage.

    `out_since` is the moment from which it was fully out everywhere that counts. One that is kept on
    purpose never gets stale.
    """
    if archived_at is not None:
        return Life(Stage.ARCHIVED)
    expired_on = expires_on if expires_on is not None and expires_on < today else None
    if out_since is None:
        return Life(Stage.IN_USE if is_touched else Stage.CREATED, expired_on=expired_on)
    stale_at = None if is_permanent else out_since + stale_after
    stage = Stage.STALE if stale_at is not None and stale_at <= now else Stage.FULLY_OUT
    return Life(stage, out_since, stale_at, expired_on)
