"""Forms of several lines, to which people add one more without anything being written."""

import re
from collections.abc import Sequence

from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

#: More digits than any form's lines have; they come from outside.
MOST_DIGITS = 3


def with_another_line(data: QueryDict, *, prefix: str, most: int) -> MultiValueDict[str, str]:
    """Return what was posted with one more empty line of a form set, up to `most` lines; unreadable counts stay."""
    more = data.copy()
    name = f"{prefix}-TOTAL_FORMS"
    count = _read_count(data.get(name))
    if count is not None:
        more[name] = str(min(count + 1, most))
    return more


def rearrange_lines(data: QueryDict, *, prefix: str, most: int) -> MultiValueDict[str, str] | None:
    """Return what was posted with its lines rearranged as the button `do` says; None where it says nothing of lines.

    `more` adds an empty line, `up:2`, `down:2` and `remove:2` move the third line or leave it out.
    """
    asked, _colon, number = str(data.get("do", "")).partition(":")
    if asked == "more":
        return with_another_line(data, prefix=prefix, most=most)
    count, index = _read_count(data.get(f"{prefix}-TOTAL_FORMS")), _read_count(number)
    if asked not in {"up", "down", "remove"} or index is None or count is None or not index < count <= most:
        return None
    order = list(range(count))
    line = order.pop(index)
    if asked != "remove":
        order.insert(max(index - 1, 0) if asked == "up" else index + 1, line)
    return _in_order(data, order, prefix=prefix)


def _read_count(text: object) -> int | None:
    words = str(text)
    return int(words) if words.isascii() and words.isdigit() and len(words) <= MOST_DIGITS else None


def _in_order(data: QueryDict, order: Sequence[int], *, prefix: str) -> MultiValueDict[str, str]:
    """Return a copy whose lines are those of these old numbers, in this order."""
    own = re.compile(rf"{re.escape(prefix)}-(\d{{1,{MOST_DIGITS}}})-(.+)")
    new_numbers = {old: new for new, old in enumerate(order)}
    copy: MultiValueDict[str, str] = MultiValueDict()
    for name, values in data.lists():
        found = own.fullmatch(name)
        if found is None:
            copy.setlist(name, list(values))
        elif (new := new_numbers.get(int(found[1]))) is not None:
            copy.setlist(f"{prefix}-{new}-{found[2]}", list(values))
    copy[f"{prefix}-TOTAL_FORMS"] = str(len(order))
    return copy
