"""Two texts line by line: what would change, as people read it."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

#: Unchanged lines shown around a change.
CONTEXT = 3


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
    for group in SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(CONTEXT):
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


def take_fingerprint(texts: Iterable[str]) -> str:
    """Return what stands for these texts, in this order: a SHA-256 in hex."""
    digest = hashlib.sha256()
    for text in texts:
        raw = text.encode()
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.hexdigest()
