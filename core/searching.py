"""Words somebody searches for, and the rows they fit. Each app says which of its columns are searched."""

import unicodedata
from collections.abc import Sequence

from django.db.models import Q

MOST_CHARACTERS = 100
MOST_WORDS = 6
#: Digits of a row's number; more would overflow its column.
MOST_DIGITS = 9


def split_words(text: str) -> tuple[str, ...]:
    """Return the words to search for, in their order: only the first of too many."""
    return tuple(text[:MOST_CHARACTERS].split()[:MOST_WORDS])


def fits(words: Sequence[str], *columns: str) -> Q:
    """Return the condition that each word stands in one of the columns, whatever its case; `%` and `_` are letters."""
    condition = Q()
    for word in words:
        anywhere = Q()
        for column in columns:
            anywhere |= Q(**{f"{column}__icontains": word})
        condition &= anywhere
    return condition


def find_number(words: Sequence[str]) -> int | None:
    """Return the number that was searched for, e.g. 12 for “#12”; None where it is not a number alone."""
    digits = words[0].removeprefix("#") if len(words) == 1 else ""
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= MOST_DIGITS else None


def is_said(words: Sequence[str], text: str) -> bool:
    """Tell whether each word stands in a text, whatever the case and the accents."""
    plain = _strip(text)
    return all(_strip(word) in plain for word in words)


def _strip(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
