"""The customer's rule: more than ten complaints on a day, investigate; and its like for pilots of a few people."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from core.domain.business_time import local_day

#: The lane that counts them.
LANE = "complaints"
DAILY_COMPLAINT_LIMIT = 10
MOST_COMPLAINT_LIMIT = 1_000
#: So many different people on one flag, in a small pilot.
SMALL_PILOT_LIMIT = 2
MAX_TEXT_CHARACTERS = 4_000
MAX_REPORTER_CHARACTERS = 100
#: From this likeness on, two complaints are shown as similar.
SIMILAR = 0.34
#: From this one on, two are told together: half of the shorter one’s words, so that one common word is seldom enough.
ALIKE = 0.5

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Voice:
    """Who complains of what. The topic is the suspected flag, else the words."""

    reporter: str
    flag_key: str | None
    text: str


@dataclass(frozen=True)
class Heard:
    """A complaint of today; `day` is today at its site. One that repeats another counts as a further person at most."""

    number: int
    site_key: str
    day: date
    voice: Voice
    is_repeated: bool = False


class Code(StrEnum):
    """What asks for an investigation: of everybody, or of the few people of a pilot."""

    LIMIT = "complaint_limit"
    ONE_FLAG = "pilots_one_flag"
    EACH_ONE = "pilots_each_one"


@dataclass(frozen=True)
class Alarm:
    """A day on which somebody has to look: `count` by the rule `code`, of those `heard`; `people` in a small pilot."""

    code: Code
    count: int
    flag_key: str = ""
    people: int = 0
    limit: int = DAILY_COMPLAINT_LIMIT
    heard: tuple[Heard, ...] = field(default=(), compare=False)

    @property
    def day(self) -> date:
        """The youngest of the days on which they were said."""
        return max(one.day for one in self.heard)


def judge_day(
    heard: Sequence[Heard], *, few: Collection[str] = (), people: int = 0, limit: int = DAILY_COMPLAINT_LIMIT
) -> Alarm | None:
    """Return what a day's complaints ask for, None where they ask for nothing.

    `few` are the flags that are on for named people only, `people` how many these are in all. There,
    two different people on one flag are enough, also where the second only repeats the first, or as
    many complaints as people.
    """
    new = tuple(one for one in heard if not one.is_repeated)
    count = count_voices(one.voice for one in new)
    if is_over_limit(count, limit=limit):
        return Alarm(Code.LIMIT, count, limit=limit, heard=new)
    said = {key: tuple(one for one in heard if one.voice.flag_key == key) for key in sorted(few)}
    worst = max(said, key=lambda key: _count_people(said[key]), default="")
    if worst and _count_people(said[worst]) >= SMALL_PILOT_LIMIT:
        return Alarm(Code.ONE_FLAG, _count_people(said[worst]), worst, people, limit, said[worst])
    ours = tuple(one for one in new if one.voice.flag_key in few)
    count = count_voices(one.voice for one in ours)
    return Alarm(Code.EACH_ONE, count, people=people, limit=limit, heard=ours) if 0 < people <= count else None


def _count_people(heard: Iterable[Heard]) -> int:
    """Return how many different people speak; one without a name counts for itself, but where it repeats another."""
    rows = list(heard)
    named = {_plain(one.voice.reporter) for one in rows} - {""}
    nameless = [one for one in rows if not _plain(one.voice.reporter) and not one.is_repeated]
    return len(named) + len(nameless)


def tally(heard: Iterable[Heard]) -> tuple[dict[str, int], dict[str, int]]:
    """Return how many complaints name each flag (empty: none) and come from each site, most first."""
    rows = list(heard)
    flags = Counter(one.voice.flag_key or "" for one in rows)
    sites = Counter(one.site_key for one in rows)
    return dict(flags.most_common()), dict(sites.most_common())


def group_alike(texts: Mapping[int, str]) -> list[list[int]]:
    """Return the keys of texts that are like the first of their group, the largest group first; each key once."""
    words = {key: _words(text) for key, text in texts.items()}
    groups: list[list[int]] = []
    for key in texts:
        group = next((one for one in groups if _share(words[key], words[one[0]]) >= ALIKE), None)
        if group is None:
            groups.append([key])
        else:
            group.append(key)
    return sorted(groups, key=lambda group: -len(group))


def days_ago(moment: datetime, *, zone: ZoneInfo, now: datetime) -> int:
    """Return how many civil days of a zone lie between a moment's and now's: 0 is today, whatever the hour."""
    return (local_day(now, zone=zone) - local_day(moment, zone=zone)).days


def is_over_limit(count: int, *, limit: int = DAILY_COMPLAINT_LIMIT) -> bool:
    """Tell whether a day's count is beyond the limit: by default, the eleventh."""
    return count > limit


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
    return _share(_words(text), _words(other))


def _share(ours: set[str], theirs: set[str]) -> float:
    return len(ours & theirs) / min(len(ours), len(theirs)) if ours and theirs else 0.0


def _words(text: str) -> set[str]:
    return {word for word in _WORD.findall(text.casefold()) if len(word) >= 4}


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
