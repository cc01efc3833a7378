"""Daily feedback of pilots: how much of it is enough, what one may say, how long a link lasts. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Protocol, TypeVar

#: So many different people say enough of a day; where there are fewer, all of them.
LEAST_PILOTS = 3
LEAST_RATING, MOST_RATING = 1, 5
MOST_TEXT_CHARACTERS = 2_000
#: What one person may send on one day: eight features, and some second thoughts.
MOST_A_DAY = 12
#: A link given out lasts at most so long, and ends so long after its phase.
LINK_DAYS = 14
GRACE = timedelta(days=1)


class Door(StrEnum):
    """Whether a link takes feedback: not yet, now, or no more."""

    EARLY = "early"
    OPEN = "open"
    OVER = "over"


@dataclass(frozen=True)
class FeedbackState:
    """How many of a phase's people gave feedback since its last open day began."""

    have: int
    pilots: int

    @property
    def needed(self) -> int:
        """Return how many must: one at least, for nobody's silence is a good word."""
        return max(1, min(LEAST_PILOTS, self.pilots))

    @property
    def holds(self) -> bool:
        return self.have >= self.needed


class Answer(Protocol):
    """One answer: whose, on which day, of which flag (None: of everything)."""

    @property
    def targeting_key(self) -> str: ...
    @property
    def day(self) -> date: ...
    @property
    def flag_id(self) -> int | None: ...


AnswerType = TypeVar("AnswerType", bound=Answer)


def keep_last(answers: Iterable[AnswerType]) -> list[AnswerType]:
    """Return of each person, day and flag the last answer."""
    return list({(one.targeting_key, one.day, one.flag_id): one for one in answers}.values())


def mean_of(ratings: Iterable[int]) -> float | None:
    """Return the mean, None of nothing."""
    listed = list(ratings)
    return sum(listed) / len(listed) if listed else None
