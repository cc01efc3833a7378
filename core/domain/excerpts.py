"""What of a text is shown where something was found in it: the words around, and which of them were found."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

BEGIN, END = "\x02", "\x03"
MOST_CHARACTERS = 240
#: So many characters stand before the first word that was found.
BEFORE = 60
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Piece:
    """A part of an excerpt; `is_found`: it is what was looked for."""

    text: str
    is_found: bool = False


def cut_excerpt(text: str, marked: Sequence[str], *, most: int = MOST_CHARACTERS) -> list[Piece]:
    """Return the part of a text around what was found in it.

    `marked` are the text read in several ways, with BEGIN and END around what was found: all else stands where it
    stands in the text, one character for one.
    """
    found = sorted({place for reading in marked for place in _list_places(reading)})
    first = next((start for start, end in found if end <= len(text)), 0)
    start = _go_back(text, max(0, first - BEFORE)) if first > BEFORE else 0
    end = min(len(text), start + most)
    pieces, at = [Piece("… ")] if start else [], start
    for begin, stop in found:
        if at <= begin and stop <= end:
            pieces += [Piece(text[at:begin]), Piece(text[begin:stop], is_found=True)]
            at = stop
    pieces += [Piece(text[at:end]), Piece(" …" if end < len(text) else "")]
    return [Piece(_SPACE.sub(" ", piece.text), piece.is_found) for piece in pieces if piece.text]


def _list_places(reading: str) -> list[tuple[int, int]]:
    places: list[tuple[int, int]] = []
    begin = reading.find(BEGIN)
    while begin >= 0 and (end := reading.find(END, begin)) >= 0:
        # Each mark before it moves a place by one.
        start = begin - 2 * len(places)
        places.append((start, start + end - begin - 1))
        begin = reading.find(BEGIN, end)
    return places


def _go_back(text: str, at: int) -> int:
    """Return where the word begins that stands at a place, unless it is endless."""
    space = text.rfind(" ", max(0, at - BEFORE), at)
    return at if space < 0 else space + 1
