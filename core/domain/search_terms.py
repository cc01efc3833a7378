"""What somebody types into a search, as the terms that are looked for.

Words must all be there, `"words in a row"` as they are, `-word` not; `OR` (`OU`, `|`) stands between alternatives.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MOST_CHARACTERS = 200
MOST_TERMS = 12
#: Fewer letters begin too many words.
LEAST_BEGUN = 3

_OR = frozenset({"OR", "OU", "|"})
_QUOTES = str.maketrans("“”„«»\u201f", '""""""')
_PART = re.compile(r'(-?)"([^"]*)"?|(\S+)')
#: Words that say nothing on their own and that PostgreSQL's French takes for some.
_MUTE = frozenset(("les", "cet", "cette", "ils", "elles", "elle", "ça", "ca", "cela", "quand", "comme"))


@dataclass(frozen=True)
class Term:
    """A word, or words in a row; `is_begun`: perhaps not typed to its end."""

    text: str
    is_excluded: bool = False
    is_begun: bool = False


def read_terms(text: str) -> list[list[Term]]:
    """Return the alternatives that a search asks for, each with its terms, which must all hold.

    Whatever is typed can be read: a quote without its end reaches to the end, and what is too long is cut.
    """
    plain = text[:MOST_CHARACTERS].replace("\x00", " ").translate(_QUOTES)
    alternatives: list[list[Term]] = [[]]
    for count, term in enumerate(_list_terms(plain)):
        if count >= MOST_TERMS:
            break
        if term is None:
            alternatives.append([])
        else:
            alternatives[-1].append(term)
    return [terms for terms in alternatives if terms]


def _list_terms(text: str) -> Iterator[Term | None]:
    """Yield the terms in their order, None where an alternative begins."""
    for part in _PART.finditer(text):
        minus, phrase, word = part.groups()
        if phrase is not None:
            if phrase.strip():
                yield Term(phrase.strip(), is_excluded=bool(minus))
        elif word in _OR:
            yield None
        else:
            is_excluded = len(word) > 1 and word.startswith("-")
            word = word[1:] if is_excluded else word
            if word.casefold() not in _MUTE:
                yield Term(word, is_excluded, is_begun=not is_excluded and _is_begun(word, part.end() == len(text)))


def _is_begun(word: str, is_last: bool) -> bool:
    return is_last and len(word) >= LEAST_BEGUN and word.isalnum()
