"""Whom an import of flags changes, in numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from core.filing import Change
from flags.definitions import Surroundings, define_flag, load_surroundings
from flags.domain.definition import FlagDefinition, Override
from flags.domain.prospect import Move, Subject, compare_flags, list_unknown
from flags.models import FlagState, Rule
from flags.preview_queries import list_subjects

#: Environments of flags whose people are counted: each asks every till and every named person.
MOST_COUNTED = 20


@dataclass(frozen=True)
class Reach:
    """Who gets another variant in one environment; `moves` is None where nobody was counted.

    `unknown` are the attributes that only a till that asks can tell.
    """

    environment_key: str
    is_on: bool
    is_killed: bool
    override: Override | None
    moves: Sequence[Move] | None
    unknown: Sequence[str] = ()


@dataclass(frozen=True)
class FlagChange(Change):
    """What an import does to one flag, and whom it reaches by it."""

    reaches: tuple[Reach, ...]


class Counter:
    """Compares a flag before and after its rules changed; loads what it compares with once."""

    def __init__(self) -> None:
        self._left = MOST_COUNTED

    def define(self, state: FlagState) -> FlagDefinition | None:
        """Return a flag as it is served now, None where no more are counted."""
        if not self._left:
            return None
        rules = Rule.objects.filter(state=state).order_by("position")
        return define_flag(state, rules, self._surroundings)

    def count(self, state: FlagState, before: FlagDefinition | None) -> Reach:
        """Return whom a change of a state reaches, now that it is written."""
        moves: Sequence[Move] | None = None
        unknown: Sequence[str] = ()
        override = before.override if before else None
        after = self.define(state)
        if before is not None and after is not None:
            self._left -= 1
            moves = compare_flags(before, after, self._subjects)
            unknown = list_unknown((*before.rules, *after.rules), self._subjects)
        return Reach(state.environment.key, state.is_on, state.is_killed, override, moves, unknown)

    @cached_property
    def _surroundings(self) -> Surroundings:
        return load_surroundings()

    @cached_property
    def _subjects(self) -> list[Subject]:
        return list_subjects()
