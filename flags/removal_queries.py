"""Flags that are to be removed: which, since when, and what still stands in the way."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone

from flags.dependants import list_uses_of_flags
from flags.domain.life import Life
from flags.life_queries import has_one_variant, judge_flags
from flags.models import Flag, FlagState


@dataclass(frozen=True)
class RemovalRow:
    """A flag that is to be removed, since `due_on`.

    `uses` are rollouts that have not ended; `places` where it is on, `divided` where people get
    different variants of it there: both stand in the way of archiving it.
    """

    flag: Flag
    life: Life
    due_on: date
    uses: Sequence[str]
    places: Sequence[str]
    divided: Sequence[str]

    @property
    def can_go(self) -> bool:
        return not self.uses and not self.divided


def list_removal_rows(*, now: datetime) -> list[RemovalRow]:
    """Return what is to be removed, what has waited longest first: nine queries at the most."""
    due = _list_due(now=now)
    uses = list_uses_of_flags([flag.pk for flag, _life in due])
    on = _list_states_on([flag for flag, _life in due])
    rows = [
        RemovalRow(
            flag,
            life,
            find_due_on(life),
            uses[flag.pk],
            [state.environment.key for state in on[flag.pk]],
            [state.environment.key for state in on[flag.pk] if not has_one_variant(state)],
        )
        for flag, life in due
    ]
    return sorted(rows, key=lambda row: (row.due_on, row.flag.key))


def count_removable(*, now: datetime) -> int:
    """Return how many flags are to be removed: six queries at the most."""
    return len(_list_due(now=now))


def list_due_flags(*, now: datetime) -> list[tuple[Flag, date]]:
    """Return the flags that are to be removed, each with the day from which: six queries at the most."""
    return [(flag, find_due_on(life)) for flag, life in _list_due(now=now)]


def find_due_on(life: Life) -> date:
    """Return the first of the days from which a flag that is due was so."""
    days = [life.expired_on] if life.expired_on else []
    if life.stale_at is not None:
        days.append(timezone.localdate(life.stale_at))
    return min(days)


def _list_due(*, now: datetime) -> list[tuple[Flag, Life]]:
    flags = list(Flag.objects.filter(archived_at=None))
    lives = judge_flags(flags, now=now)
    return [(flag, lives[flag.pk]) for flag in flags if lives[flag.pk].is_due]


def _list_states_on(flags: Sequence[Flag]) -> dict[int, list[FlagState]]:
    """Return the states that are on, by flag, with their rules: two queries."""
    states = FlagState.objects.filter(flag__in=flags, is_on=True, killed_at=None).select_related("environment", "flag")
    found: dict[int, list[FlagState]] = defaultdict(list)
    for state in states.prefetch_related("rules").order_by("environment__position", "environment__key"):
        found[state.flag_id].append(state)
    return found
