"""How loud a notice is, and where it stands in time."""

from enum import StrEnum


class Level(StrEnum):
    """An urgent one interrupts who reads the screen aloud, and cannot be put away."""

    INFO = "info"
    WARNING = "warning"
    URGENT = "urgent"


#: The loudest first, as a till shows them.
LOUDNESS = {level: place for place, level in enumerate((Level.URGENT, Level.WARNING, Level.INFO))}


class Standing(StrEnum):
    CURRENT = "current"
    SCHEDULED = "scheduled"
    PAST = "past"
    CORRECTED = "corrected"
    TAKEN_AWAY = "taken_away"
