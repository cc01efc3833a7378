"""The customer's rule: more than ten complaints on a day, investigate."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from core.domain.business_time import local_day

DAILY_COMPLAINT_LIMIT = 10
#: From this likeness on, two complaints are shown as similar.
SIMILAR = 0.34

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Voice:
    """Who complains of what. The topic is the suspected flag, else the words."""

    reporter: str
    flag_key: str | None
    text: str


def days_ago(moment: datetime, *, zone: ZoneInfo, now: datetime) -> int:
    """Return how many civil days of a zone lie between a moment's and now's: 0 is today, whatever the hour."""
    return (local_day(now, zone=zone) - local_day(moment, zone=zone)).days


def is_over_limit(count: int) -> bool:
    """Tell whether a day's count is the eleventh or beyond."""
    return count > DAILY_COMPLAINT_LIMIT


def count_voices(voices: Iterable[Voice]) -> int:
    """Return how many distinct (reporter, topic) there are; one without a reporter counts for itself.

    Case and spacing make no difference: it is the same Marie on the phone.
    """
    named: set[tuple[str, str, str]] = set()
    nameless = 0
    for voice in voices:
        reporter = _plain(voice.reporter)
        if reporter:
            named.add((reporter, "flag", voice.flag_key) if voice.flag_key else (reporter, "words", _plain(voice.text)))
        else:
            nameless += 1
    return len(named) + nameless


def likeness(text: str, other: str) -> float:
    """Return how alike two texts are: the share of the shorter one's longer words that both have, 0 to 1."""
    ours, theirs = _words(text), _words(other)
    if not ours or not theirs:
        return 0.0
    return len(ours & theirs) / min(len(ours), len(theirs))


def _words(text: str) -> set[str]:
    return {word for word in _WORD.findall(text.casefold()) if len(word) >= 4}


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
