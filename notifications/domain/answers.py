"""What an answer of a chat or of somebody's program means for a message, and for the channel."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

#: Longer than this nobody is kept waiting, whatever is asked for.
MOST_WAIT = timedelta(days=1)
#: What is answered for an address that is gone, closed or another's.
GONE = frozenset({401, 403, 404, 410})
#: Come back later: the request itself was right.
LATER = frozenset({408, 421, 425, 429})


class Verdict(StrEnum):
    """`CLOSED`: no message will ever get through at this address; `REFUSED`: this one will not."""

    TAKEN = "taken"
    LATER = "later"
    REFUSED = "refused"
    CLOSED = "closed"


def judge(status: int) -> Verdict:
    """Return what a status says. A redirection is not followed: the address is not the one that was given."""
    if 200 <= status < 300:
        return Verdict.TAKEN
    if status in GONE or 300 <= status < 400:
        return Verdict.CLOSED
    if status in LATER or status >= 500 or status < 200:
        return Verdict.LATER
    return Verdict.REFUSED


def read_retry_after(text: str, *, now: datetime) -> timedelta | None:
    """Return how long a `Retry-After` asks to wait, in seconds or until a date (RFC 9110); None for anything else."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:9])), MOST_WAIT)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return min(max(at - now, timedelta()), MOST_WAIT)
