"""When a place is open, and when a change may reach it: weekdays, public holidays, exceptional days. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from core.domain.business_time import is_open as is_ordinarily_open
from core.domain.business_time import is_public_holiday

#: A longer closing is no exception any more: the site's weekdays, or its end.
DAYS_MOST = 366


class DayKind(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    NO_CHANGE = "no_change"


class Standing(StrEnum):
    """How a place stands on a day: open, or why not, or why nothing may change there."""

    OPEN = "open"
    EXTRA_OPEN = "extra_open"
    WEEKLY_CLOSED = "weekly_closed"
    HOLIDAY = "holiday"
    CLOSED = "closed"
    NO_CHANGE = "no_change"
    #: Said by whoever plans for a frozen environment, of open and closed places alike.
    FROZEN = "frozen"


#: Where an exception or a freeze has words of its own.
_LABELLED = frozenset({Standing.CLOSED, Standing.NO_CHANGE, Standing.FROZEN})


@dataclass(frozen=True)
class ExceptionalDays:
    """Days [starts_on, ends_on) that are not as usual; those of one place never overlap."""

    starts_on: date
    ends_on: date
    kind: DayKind
    label: str = ""


@dataclass(frozen=True)
class DayView:
    """One day of a place; `label` where an exception says why; `on_holidays`: public holidays are days like others."""

    day: date
    standing: Standing
    label: str = ""
    on_holidays: bool = False

    @property
    def is_open(self) -> bool:
        return self.standing in {Standing.OPEN, Standing.EXTRA_OPEN, Standing.NO_CHANGE}

    @property
    def takes_changes(self) -> bool:
        """Tell whether a promotion may fall on the day: open, not set aside, and no public holiday unless asked."""
        may_be = self.on_holidays or not is_public_holiday(self.day)
        return may_be and self.standing in {Standing.OPEN, Standing.EXTRA_OPEN}


def view_day(
    day: date, *, weekdays: Iterable[int], exceptions: Iterable[ExceptionalDays] = (), on_holidays: bool = False
) -> DayView:
    """Return how a place stands on a day: an exception comes before weekdays and public holidays.

    With `on_holidays` a public holiday is as its weekday is.
    """
    for one in exceptions:
        if one.starts_on <= day < one.ends_on:
            standing = Standing.EXTRA_OPEN if one.kind is DayKind.OPEN else Standing(one.kind)
            return DayView(day, standing, one.label, on_holidays)
    if is_ordinarily_open(day, weekdays=weekdays, on_holidays=on_holidays):
        return DayView(day, Standing.OPEN, on_holidays=on_holidays)
    is_holiday = is_public_holiday(day) and not on_holidays
    return DayView(day, Standing.HOLIDAY if is_holiday else Standing.WEEKLY_CLOSED, on_holidays=on_holidays)


@dataclass(frozen=True)
class Skip:
    """Days [starts_on, ends_on) in a row on which a promotion was not possible, for one reason."""

    starts_on: date
    ends_on: date
    standing: Standing
    label: str = ""

    @property
    def last_on(self) -> date:
        return self.ends_on - timedelta(days=1)


def list_skips(views: Iterable[DayView]) -> list[Skip]:
    """Return what stood in the way on days in a row, neighbours with one reason as one; weekly closing says nothing."""
    skips: list[Skip] = []
    for view in views:
        if view.takes_changes or view.standing is Standing.WEEKLY_CLOSED:
            continue
        standing = view.standing if view.standing in _LABELLED else Standing.HOLIDAY
        label = "" if standing is Standing.HOLIDAY else view.label
        next_on = view.day + timedelta(days=1)
        last = skips[-1] if skips else None
        if last and (last.ends_on, last.standing, last.label) == (view.day, standing, label):
            skips[-1] = Skip(last.starts_on, next_on, standing, label)
        else:
            skips.append(Skip(view.day, next_on, standing, label))
    return skips


def each_day(start: date, end: date) -> Iterator[date]:
    """Yield the days of [start, end)."""
    for number in range((end - start).days):
        yield start + timedelta(days=number)
