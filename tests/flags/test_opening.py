"""How a place stands on a day."""

from datetime import date

import pytest

from flags.domain.opening import DayKind, ExceptionalDays, Standing, view_day

WEEK = frozenset({1, 2, 3, 4, 5, 6})
FRIDAY, SUNDAY, ARMISTICE = date(2026, 11, 6), date(2026, 11, 8), date(2026, 11, 11)


@pytest.mark.parametrize(
    ("day", "kind", "standing", "is_open", "takes_changes"),
    [
        (FRIDAY, None, Standing.OPEN, True, True),
        (SUNDAY, None, Standing.WEEKLY_CLOSED, False, False),
        (ARMISTICE, None, Standing.HOLIDAY, False, False),
        (FRIDAY, DayKind.CLOSED, Standing.CLOSED, False, False),
        (FRIDAY, DayKind.NO_CHANGE, Standing.NO_CHANGE, True, False),
        (SUNDAY, DayKind.OPEN, Standing.EXTRA_OPEN, True, True),
        (SUNDAY, DayKind.NO_CHANGE, Standing.NO_CHANGE, True, False),
        # Open on a public holiday, and yet no day for a promotion.
        (ARMISTICE, DayKind.OPEN, Standing.EXTRA_OPEN, True, False),
    ],
)
def test_view_day__any_exception__comes_before_weekdays_and_holidays(
    day: date, kind: DayKind | None, standing: Standing, is_open: bool, takes_changes: bool
) -> None:
    exceptions = [] if kind is None else [ExceptionalDays(day, date(2026, 11, 12), kind, "Braderie")]

    view = view_day(day, weekdays=WEEK, exceptions=exceptions)

    assert (view.standing, view.is_open, view.takes_changes) == (standing, is_open, takes_changes)
    assert view.label == ("Braderie" if kind else "")


def test_view_day__the_day_after_the_last__is_as_usual() -> None:
    closed = ExceptionalDays(FRIDAY, date(2026, 11, 7), DayKind.CLOSED, "Closed")

    assert view_day(date(2026, 11, 7), weekdays=WEEK, exceptions=[closed]).standing is Standing.OPEN
