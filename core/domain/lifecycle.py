"""State machines as plain dicts: {state: {states that may follow}}."""

from collections.abc import Mapping, Set
from enum import StrEnum
from typing import TypeVar

from core.errors import Refusal

State = TypeVar("State", bound=StrEnum)


def can_move(edges: Mapping[State, Set[State]], *, start: State, end: State) -> bool:
    """Tell whether an edge leads from `start` to `end`."""
    return end in edges.get(start, frozenset())


def check_move(edges: Mapping[State, Set[State]], *, start: State, end: State) -> None:
    """Refuse with code `wrong_state` where no edge leads from `start` to `end`."""
    if not can_move(edges, start=start, end=end):
        raise Refusal("wrong_state", start=str(start), end=str(end))


def draw_mermaid(edges: Mapping[State, Set[State]], *, initial: State) -> str:
    """Return the diagram of a table as Mermaid text, states in the order of the table."""
    lines = ["stateDiagram-v2", f"    [*] --> {initial}"]
    for start, ends in edges.items():
        lines += [f"    {start} --> {end}" for end in sorted(ends)]
        if not ends:
            lines.append(f"    {start} --> [*]")
    return "\n".join(lines) + "\n"
