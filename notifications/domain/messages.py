"""A message in words, ready to be written as any channel wants it."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Message:
    """One event in one language. `facts`: labels and values; `url`: the page it leads to, with its host."""

    subject: str
    body: str
    next: str = ""
    facts: Sequence[tuple[str, str]] = ()
    url: str = ""
    open_words: str = ""
    is_urgent: bool = False


def shorten(text: str, limit: int) -> str:
    """Return a text of at most so many characters; what was cut off is marked."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
