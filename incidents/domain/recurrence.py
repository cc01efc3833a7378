"""Whether an incident is one that was there before."""

import re
import unicodedata
from collections.abc import Set
from dataclasses import dataclass
from datetime import timedelta

WINDOW = timedelta(days=90)
#: Shorter words (of, the, les, une) say nothing of the trouble.
SHORTEST_WORD = 4
WORDS_ALIKE = 2
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Trait:
    """What is compared of two incidents."""

    flag_keys: Set[str]
    site_keys: Set[str]
    words: Set[str]


def split_words(title: str) -> frozenset[str]:
    """Return the telling words of a title, without case and accents."""
    plain = unicodedata.normalize("NFKD", title.casefold())
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return frozenset(word for word in _WORD.findall(letters) if len(word) >= SHORTEST_WORD)


def say_why_alike(one: Trait, other: Trait) -> str | None:
    """Return why two incidents look like the same trouble: the same flag, or site and words; None where they do not."""
    if one.flag_keys & other.flag_keys:
        return "same_flag"
    shared = len(one.words & other.words)
    enough = min(WORDS_ALIKE, len(one.words), len(other.words))
    if one.site_keys & other.site_keys and enough and shared >= enough:
        return "same_site_and_words"
    return None
