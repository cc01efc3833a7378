"""How much a person has to do before an announcement goes out: the more people read it, the more."""

from enum import StrEnum

#: From so many readers on a box is ticked, and from so many their number is typed.
TICKED_FROM = 25
TYPED_FROM = 100


class Ask(StrEnum):
    NOTHING = "nothing"
    TICK = "tick"
    TYPE = "type"


def ask_for(readers: int) -> Ask:
    """Return what is asked of whoever sends to so many people and tills."""
    if readers >= TYPED_FROM:
        return Ask.TYPE
    return Ask.TICK if readers >= TICKED_FROM else Ask.NOTHING


def is_confirmed(readers: int, confirmed: int | None) -> bool:
    """Tell whether what was confirmed is the number that is sent to; of few readers none is asked for."""
    return ask_for(readers) is Ask.NOTHING or confirmed == readers
