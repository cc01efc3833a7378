"""The number that a shop calls, for what is read beside a till.

It is kept by an app above, which says here how it is read.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Helpline:
    """A telephone number, and when somebody answers it, in both languages; the hours may be empty."""

    phone: str
    hours_fr: str
    hours_en: str


Reader = Callable[[int], Helpline | None]

_READERS: list[Reader] = []


def register(reader: Reader) -> None:
    """Let helplines be read so: given an environment's number, the helpline there, None where there is none."""
    _READERS.append(reader)


def find_helpline(environment_id: int) -> Helpline | None:
    """Return the number that shops of an environment call, None where none is set."""
    found = (reader(environment_id) for reader in _READERS)
    return next((one for one in found if one is not None), None)
