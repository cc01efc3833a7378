"""What is due, how soon and for whom: pure."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.roles import Role
from notifications.domain.audience import DRIVERS, SUPPORT, Audience
from notifications.domain.due import DueItem, Horizon, Person, divide, group_by_horizon, judge_horizon

NOW = datetime(2026, 11, 4, 22, 30, tzinfo=UTC)
PARIS, AUCKLAND = ZoneInfo("Europe/Paris"), ZoneInfo("Pacific/Auckland")
MANAGER, HELPER, OTHER = (
    Person(1, frozenset({Role.RELEASE_MANAGER})),
    Person(2, frozenset({Role.SUPPORT})),
    Person(3, frozenset({Role.AUDITOR})),
)
PEOPLE = [MANAGER, HELPER, OTHER]


def _item(**given: Any) -> DueItem:
    wanted: dict[str, Any] = {"words": "do it", "due": date(2026, 11, 4), "url": "/", "audience": DRIVERS}
    return DueItem(**(wanted | given))


@pytest.mark.parametrize(
    ("due", "zone", "horizon"),
    [
        (date(2026, 11, 3), PARIS, Horizon.OVERDUE),
        (date(2026, 11, 4), PARIS, Horizon.TODAY),
        (date(2026, 11, 10), PARIS, Horizon.SOON),
        (date(2026, 11, 11), PARIS, Horizon.LATER),
        # There it is Thursday already.
        (date(2026, 11, 4), AUCKLAND, Horizon.OVERDUE),
        (date(2026, 11, 11), AUCKLAND, Horizon.SOON),
        (NOW - timedelta(seconds=1), PARIS, Horizon.OVERDUE),
        (NOW, PARIS, Horizon.OVERDUE),
        (NOW + timedelta(minutes=29), PARIS, Horizon.TODAY),
        (NOW + timedelta(minutes=30), PARIS, Horizon.SOON),
        (NOW + timedelta(minutes=30), AUCKLAND, Horizon.TODAY),
        (NOW + timedelta(days=9), PARIS, Horizon.LATER),
    ],
)
def test_horizon__a_day_or_a_moment__is_judged_where_the_reader_is(due: Any, zone: ZoneInfo, horizon: Horizon) -> None:
    assert judge_horizon(due, now=NOW, zone=zone) is horizon


def test_group__several__what_waited_longest_first_and_no_empty_group() -> None:
    late, later = _item(due=date(2026, 10, 1)), _item(due=date(2026, 11, 1))
    moment, day = _item(due=NOW + timedelta(days=2)), _item(due=date(2026, 11, 6))

    grouped = group_by_horizon([day, later, moment, late], now=NOW, zone=PARIS)

    assert grouped == [(Horizon.OVERDUE, [late, later]), (Horizon.SOON, [moment, day])]


def test_divide__by_role_and_by_name__each_gets_theirs() -> None:
    by_role, by_name = _item(audience=SUPPORT), _item(audience=Audience(user_ids=frozenset({3})))

    assert divide([by_role, by_name], PEOPLE) == {1: [], 2: [by_role], 3: [by_name]}


def test_divide__named_person_left__falls_to_who_drives_releases() -> None:
    item = _item(audience=Audience(user_ids=frozenset({99})))

    assert divide([item], PEOPLE) == {1: [item], 2: [], 3: []}


def test_divide__one_of_two_named_left__stays_with_the_other() -> None:
    item = _item(audience=Audience(user_ids=frozenset({99, 2})))

    assert divide([item], PEOPLE) == {1: [], 2: [item], 3: []}


def test_divide__spared__is_not_asked() -> None:
    item = _item(audience=Audience(frozenset({Role.RELEASE_MANAGER, Role.SUPPORT})), spared=frozenset({1}))

    assert divide([item], PEOPLE) == {1: [], 2: [item], 3: []}


def test_title__lines_and_signs_of_people__are_one_line_as_typed() -> None:
    assert _item(words="To do: %(title)s", data={"title": "100 %\r\nBcc: x"}).title == "To do: 100 % Bcc: x"
