"""When the next public word about an incident is due: soon after it opens, then steadily until its end is said."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from incidents.domain.tiers import Tier


class WordStatus(StrEnum):
    """What a public word says of the incident, in the order of a usual course."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"


FIRST_WITHIN = timedelta(minutes=5)
EVERY = timedelta(minutes=20)
#: How far ahead the next word may be promised: who waits at a till is never left alone longer than the pace. What is
#: only cosmetic needs nobody awake at night.
LONGEST_PROMISE = {Tier.CRITICAL: EVERY, Tier.IMPORTANT: EVERY, Tier.MINOR: timedelta(hours=8)}


@dataclass(frozen=True)
class LastWord:
    """The newest public word: when, what it said, and when it promised the next one."""

    at: datetime
    status: WordStatus
    next_at: datetime | None = None


def next_word_due(*, opened_at: datetime, restored_at: datetime | None, last: LastWord | None) -> datetime | None:
    """Return by when the next public word is due; None where none is.

    The first within five minutes of opening, then as promised, else every twenty minutes. Once restored, people who
    were told of the trouble are told of its end within five minutes; where nobody was told, nobody waits.
    """
    if last is None:
        return opened_at + FIRST_WITHIN if restored_at is None else None
    due = last.next_at or last.at + EVERY
    if restored_at is None:
        return due
    return None if last.status is WordStatus.RESOLVED else min(due, restored_at + FIRST_WITHIN)


def can_promise(*, next_at: datetime, now: datetime, tier: Tier) -> bool:
    """Tell whether the next word may be promised for a moment: ahead, and not beyond the tier's pace."""
    return now < next_at <= now + LONGEST_PROMISE[tier]
