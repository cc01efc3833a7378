"""What an incident goes back to when one that was merged into it leaves again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True)
class Gain(Generic[Value]):
    """What a merge found in the incident that takes the other in, and what the other one brought."""

    before: Value
    brought: Value


def take_out(
    value: Value, leaving: Gain[Value], later: Sequence[Gain[Value]], *, combine: Callable[[Value, Value], Value]
) -> tuple[Value, list[Value]]:
    """Return the value without what the leaving one brought, and what each later merge would have found without it.

    `later` is in the order of the merges. Where somebody changed the value by hand it stays from there on.
    """
    old, new = combine(leaving.before, leaving.brought), leaving.before
    befores = [one.before for one in later]
    for place, one in enumerate(later):
        if one.before != old:
            return value, befores
        befores[place] = new
        old, new = combine(old, one.brought), combine(new, one.brought)
    return new if value == old else value, befores
