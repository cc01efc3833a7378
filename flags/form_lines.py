"""Forms of several lines, to which people add one more without anything being written."""

from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

#: More digits than any form's lines have; they come from outside.
MOST_DIGITS = 3


def with_another_line(data: QueryDict, *, prefix: str, most: int) -> MultiValueDict[str, str]:
    """Return what was posted with one more empty line of a form set, up to `most` lines; unreadable counts stay."""
    more = data.copy()
    name = f"{prefix}-TOTAL_FORMS"
    count = str(data.get(name, ""))
    if count.isascii() and count.isdigit() and len(count) <= MOST_DIGITS:
        more[name] = str(min(int(count) + 1, most))
    return more
