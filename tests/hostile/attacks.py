"""The known attacks, and texts made of them: each with a harmless twin of the same shape."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from zlib import crc32

VECTORS = Path(__file__).parents[1] / "vectors" / "attacks.jsonl"
#: Swallows whatever comes after it, and so stands last.
LAST = "unclosed"
#: Stands first in every other text: a spreadsheet looks at a cell's beginning.
FIRST = "formula"
#: What tells where a text was shown: the number of its field.
MARK = re.compile(r"zq(\d+)q")
#: In so few characters there is no room for that number.
SHORTEST = 24


@dataclass(frozen=True)
class Attack:
    kind: str
    text: str
    reason: str


@cache
def read_attacks() -> tuple[Attack, ...]:
    """Return the list, in its own order."""
    lines = VECTORS.read_text(encoding="utf-8").splitlines()
    parsed = (json.loads(line) for line in lines)
    return tuple(Attack(one["class"], one["text"], one["reason"]) for one in parsed)


@dataclass
class Texts:
    """Gives every field its words: attacks, or their harmless twins.

    A twin has a letter for each character that is no space: as many words and lines as long. `turn` shifts
    which attacks a short field gets; a long one gets them all.
    """

    turn: int
    is_harmless: bool
    fields: dict[str, int] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def say(self, name: str, *, room: int | None = None, among: Sequence[str] | None = None) -> str:
        """Return words for a field, no two the same, in so many characters; one of those given, where some are.

        A twin of the latter keeps its letters: only some texts fit there.
        """
        if among is not None:
            one = among[(crc32(name.encode()) + self.turn) % len(among)]
            return re.sub(r"[^\w\s:/.@]", "a", one) if self.is_harmless else one
        chosen, end = self._choose(name), f"{next(self._numbers):x}"
        if room is None or room > SHORTEST:
            end = f" zq{self.fields.setdefault(name, next(self._numbers))}q{end}"
        return self._shape("\n\n".join(chosen) if room is None else _fill(chosen, room=room - len(end))) + end

    def _choose(self, name: str) -> list[str]:
        """Return every attack's text, in the order of this field and turn, the classes mixed."""
        start = crc32(name.encode()) + self.turn
        found = list(_mix(start))
        if start % 2:
            found.sort(key=lambda one: one.kind != FIRST)
        found.sort(key=lambda one: one.kind == LAST)
        return [one.text for one in found]

    def _shape(self, text: str) -> str:
        return re.sub(r"\S", "a", text) if self.is_harmless else text


def _mix(start: int) -> Iterator[Attack]:
    """Give one attack of each class after the other, so that a few in a row are of many classes."""
    by_kind: dict[str, list[Attack]] = {}
    for one in read_attacks():
        by_kind.setdefault(one.kind, []).append(one)
    kinds = [_turn(by_kind[kind], start) for kind in _turn(list(by_kind), start)]
    for place in range(max(map(len, kinds))):
        yield from (kind[place] for kind in kinds if place < len(kind))


def _turn(things: list[Any], start: int) -> list[Any]:
    place = start % len(things)
    return things[place:] + things[:place]


def _fill(texts: Sequence[str], *, room: int) -> str:
    """Return as many as there is room for, one at least: cut, where none is short enough."""
    found = ""
    for text in texts:
        longer = f"{found} {text}" if found else text
        if len(longer) <= room:
            found = longer
    return found or texts[0][:room]
