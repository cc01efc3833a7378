"""What stands on the war room's board: folded from the lines of the timeline that put it there or took it away."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

#: Codes of the timeline that the board is made of.
BOARD_CODES = ("known", "pinned", "unpinned", "ticked", "unticked")


@dataclass(frozen=True)
class Deed:
    """One line that changes the board; `number` is the line's own and grows."""

    number: int
    code: str
    note: str
    data: Mapping[str, object]
    by: str
    at: datetime


@dataclass(frozen=True)
class Board:
    """`known`: the newest summary, None before the first; `pinned`: lines by number, the last pinned first;
    `ticked`: by item, who ticked it off.
    """

    known: Deed | None = None
    pinned: tuple[int, ...] = ()
    ticked: Mapping[str, Deed] = field(default_factory=dict)

    @property
    def known_version(self) -> int:
        """The number of the newest summary, 0 before the first."""
        return 0 if self.known is None else self.known.number


def fold(deeds: Iterable[Deed]) -> Board:
    """Return the board after deeds in the order of their numbers."""
    known: Deed | None = None
    pinned: dict[int, None] = {}
    ticked: dict[str, Deed] = {}
    for deed in deeds:
        entry, item = deed.data.get("entry"), str(deed.data.get("item", ""))
        if deed.code == "known":
            known = deed
        elif deed.code == "pinned" and isinstance(entry, int):
            pinned[entry] = None
        elif deed.code == "unpinned" and isinstance(entry, int):
            pinned.pop(entry, None)
        elif deed.code == "ticked":
            ticked[item] = deed
        elif deed.code == "unticked":
            ticked.pop(item, None)
    return Board(known=known, pinned=tuple(reversed(pinned)), ticked=ticked)
