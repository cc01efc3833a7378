"""Which running incident an event belongs to: one fire, one commander."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime, timedelta

#: One fault often shows in several flags within minutes; later, it is another fault with its own clock.
WINDOW = timedelta(minutes=15)


@dataclass(frozen=True)
class Running:
    """A running incident of the same rollout."""

    detected_at: datetime
    flag_keys: Set[str]


def belongs_to(running: Running, *, detected_at: datetime, flag_keys: Set[str]) -> bool:
    """Tell whether what was detected belongs to a running incident of the same rollout.

    The same flag again does; so does what names no flag on either side (complaints about the release),
    and other flags within the window.
    """
    if running.flag_keys & flag_keys or not running.flag_keys or not flag_keys:
        return True
    return abs(detected_at - running.detected_at) <= WINDOW
