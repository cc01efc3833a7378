"""A month as weeks from Monday to Sunday. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from flags.domain.opening import each_day
from rollouts.domain.freezing import Freeze

#: Further away nobody plans, and a week before the first day or behind the last one has no date.
YEARS = range(2000, 2101)
DECEMBER = 12
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Month:
    """A civil month; its grid begins on a Monday and ends on a Sunday."""

    year: int
    number: int

    @property
    def first_on(self) -> date:
        return date(self.year, self.number, 1)

    @property
    def next(self) -> "Month":
        return Month(self.year + 1, 1) if self.number == DECEMBER else Month(self.year, self.number + 1)

    @property
    def previous(self) -> "Month":
        return Month(self.year - 1, DECEMBER) if self.number == 1 else Month(self.year, self.number - 1)

    @property
    def grid(self) -> tuple[date, date]:
        """The days [from, until) of its weeks, whole."""
        last_on = self.next.first_on - timedelta(days=1)
        return self.first_on - timedelta(days=self.first_on.weekday()), last_on + timedelta(days=7 - last_on.weekday())

    def list_weeks(self) -> list[Sequence[date]]:
        days = list(each_day(*self.grid))
        return [days[start : start + 7] for start in range(0, len(days), 7)]

    def holds(self, day: date) -> bool:
        return (day.year, day.month) == (self.year, self.number)

    def count_to(self, other: "Month") -> int:
        """Return how many months later the other one is."""
        return (other.year - self.year) * DECEMBER + other.number - self.number

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"


def find_month(text: str) -> Month | None:
    """Return the month that "2026-12" means, None where the text means none within reach."""
    found = re.fullmatch(r"([0-9]{4})-(0[1-9]|1[0-2])", text)
    return Month(int(found[1]), int(found[2])) if found and int(found[1]) in YEARS else None


def read_month(text: str, *, today: date) -> Month:
    """Return the month that "2026-12" means, today's where the text means none within reach."""
    return find_month(text) or Month(today.year, today.month)


@dataclass(frozen=True)
class Span:
    """The part of a freeze that lies in one week: columns [start, end) from 1 to 8."""

    start: int
    end: int
    begins: bool
    ends: bool


def find_span(freeze: Freeze, monday: date) -> Span | None:
    """Return where a freeze lies in the week from `monday` on, None where it does not."""
    since, until = max(freeze.starts_on, monday), min(freeze.ends_on, monday + WEEK)
    if since >= until:
        return None
    return Span(
        start=(since - monday).days + 1,
        end=(until - monday).days + 1,
        begins=since == freeze.starts_on,
        ends=until == freeze.ends_on,
    )
