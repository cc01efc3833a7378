"""When people are reminded of a date: before it, on it, and again and again after it."""

from dataclasses import dataclass
from datetime import date, timedelta

BEFORE = "before"


@dataclass(frozen=True)
class Rhythm:
    """How long before a date the first reminder comes, and how often one comes after it."""

    lead: timedelta
    every: timedelta


OF_MEASURES = Rhythm(lead=timedelta(days=2), every=timedelta(days=7))
OF_POST_MORTEMS = Rhythm(lead=timedelta(days=1), every=timedelta(days=2))


def find_reminder(rhythm: Rhythm, *, due_on: date, today: date) -> str | None:
    """Return which reminder is due: `before`, then the number of whole periods after the date; None too early.

    The newest one counts alone: after an outage nobody is sent those that were missed.
    """
    if today < due_on - rhythm.lead:
        return None
    return BEFORE if today < due_on else str((today - due_on) // rhythm.every)
