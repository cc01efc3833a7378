"""Two texts line by line: what would change, as people read it."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

#: Unchanged lines shown around a change.
CONTEXT = 3
#: Lines of the one text times lines of the other.
MOST_COMPARED = 60_000

#: What `SequenceMatcher` says: name, then a stretch of the old lines and one of the new.
Opcode = tuple[str, int, int, int, int]


class Sign(StrEnum):
    """What becomes of a line; a gap stands for unchanged lines that are left out."""

    ADDED = "added"
    REMOVED = "removed"
    KEPT = "kept"
    GAP = "gap"


MARKS = {Sign.ADDED: "+", Sign.REMOVED: "-", Sign.KEPT: " ", Sign.GAP: "…"}


@dataclass(frozen=True)
class Line:
    sign: Sign
    text: str

    @property
    def mark(self) -> str:
        return MARKS[self.sign]


def compare_texts(before: str, after: str) -> tuple[Line, ...]:
    """Return the lines of a unified difference, none where nothing differs."""
    old, new = before.splitlines(), after.splitlines()
    lines: list[Line] = []
    end = 0
    for group in _group(old, new):
        if group[0][1] > end:
            lines.append(Line(Sign.GAP, ""))
        for name, first, last, start, stop in group:
            if name == "equal":
                lines += [Line(Sign.KEPT, text) for text in old[first:last]]
                continue
            lines += [Line(Sign.REMOVED, text) for text in old[first:last]]
            lines += [Line(Sign.ADDED, text) for text in new[start:stop]]
        end = group[-1][2]
    if lines and end < len(old):
        lines.append(Line(Sign.GAP, ""))
    return tuple(lines)


def _group(old: Sequence[str], new: Sequence[str]) -> Iterable[Sequence[Opcode]]:
    """Yield the changes with their context; of texts too long to compare well, one change from the first to the last.

    Comparing takes the cube of the lines at worst, and whoever sends a file chooses them.
    """
    if len(old) * len(new) <= MOST_COMPARED:
        return SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(CONTEXT)
    pairs = zip(old, new, strict=False)
    start = next((place for place, (one, other) in enumerate(pairs) if one != other), min(len(old), len(new)))
    most = min(len(old), len(new)) - start
    pairs = zip(reversed(old), reversed(new), strict=False)
    end = next((place for place, (one, other) in enumerate(pairs) if place == most or one != other), most)
    if start + end == len(old) == len(new):
        return []
    before, after = min(CONTEXT, start), min(CONTEXT, end)
    last, stop = len(old) - end, len(new) - end
    return [
        [
            ("equal", start - before, start, start - before, start),
            ("replace", start, last, start, stop),
            ("equal", last, last + after, stop, stop + after),
        ]
    ]


def take_fingerprint(texts: Iterable[str]) -> str:
    """Return what stands for these texts, in this order: a SHA-256 in hex."""
    digest = hashlib.sha256()
    for text in texts:
        raw = text.encode()
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.hexdigest()
