"""Owners hear of the flags that are to be removed: once, then each month, until it is done."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.utils import translation

from core.actors import DEMO
from core.models import User
from core.people import deactivate_person
from core.roles import Role
from flags.models import Environment, Flag
from flags.story import tell_removable
from flags.tasks import remind_of_removals
from flags.transitions import archive_flag, keep_flag, kill_flag, switch_on
from notifications.due_queries import list_own_due
from notifications.labels import say_body, say_subject
from notifications.models import Channel, Delivery, Event
from tests.factories.core import NOW, make_person
from tests.factories.flags import make_environment, make_flag
from tests.waiting import race

pytestmark = pytest.mark.django_db


@pytest.fixture
def prod() -> Environment:
    return make_environment(key="prod", is_production=True)


@pytest.fixture
def manager() -> User:
    return make_person(Role.RELEASE_MANAGER)


def _day(number: int) -> datetime:
    return NOW + timedelta(days=number)


def _by(day: int) -> dict[str, Any]:
    return {"actor": DEMO, "reason": "a test", "now": _day(day)}


def _make(prod: Environment, **given: Any) -> Flag:
    flag = make_flag(**({"key": "buttons"} | given))
    switch_on(flag_id=flag.pk, environment_id=prod.pk, **_by(0))
    return flag


def _remind(day: int) -> int:
    with time_machine.travel(_day(day), tick=False):
        return int(remind_of_removals())


def _readers() -> set[int]:
    return set(Delivery.objects.filter(channel=Channel.INBOX).values_list("recipient", flat=True))


def test_remind__from_the_day_it_is_due__once_and_then_each_month(prod: Environment, manager: User) -> None:
    _make(prod)

    told = [_remind(day) for day in (29, 30, 30, 31, 59, 60, 61, 200, 201)]

    assert told == [0, 1, 0, 0, 0, 1, 0, 1, 0]
    assert Event.objects.filter(kind="flag_removable").count() == 3


@pytest.mark.parametrize("owner", ["Ana Petit", "ANA", " ana@example.org "])
def test_remind__an_owner_there_is__is_told_and_nobody_else(prod: Environment, manager: User, owner: str) -> None:
    ana = make_person(Role.SUPPORT, username="ana", full_name="Ana Petit", email="ana@example.org")
    _make(prod, owner=owner)

    assert _remind(30) == 1

    assert _readers() == {ana.pk}
    # By mail it is said each day, in her digest.
    assert not Delivery.objects.filter(channel=Channel.EMAIL).exists()
    assert [one.source for one in list_own_due(ana, now=_day(30))] == ["flags"]


@pytest.mark.parametrize("owner", ["", "Till team", "gone"])
def test_remind__an_owner_that_is_nobody_here__goes_to_those_who_drive_releases(
    prod: Environment, manager: User, owner: str
) -> None:
    make_person(Role.SUPPORT)
    left = make_person(Role.RELEASE_MANAGER, username="gone")
    deactivate_person(user_id=left.pk, **_by(0))
    _make(prod, owner=owner)

    assert _remind(30) == 1

    assert _readers() == {manager.pk}


def test_remind__past_its_day__is_told_too(prod: Environment, manager: User) -> None:
    make_flag(key="late", expires_on=_day(3).date())

    assert [_remind(day) for day in (3, 4)] == [0, 1]


def test_remind__due_anew_after_trouble__is_told_again(prod: Environment, manager: User, settings: Any) -> None:
    settings.FLAG_STALE_AFTER_DAYS = 5
    flag = _make(prod)
    where: dict[str, Any] = {"flag_id": flag.pk, "environment_id": prod.pk}
    assert _remind(5) == 1
    kill_flag(**where, **_by(6))
    assert _remind(7) == 0

    switch_on(**where, **_by(8))

    assert [_remind(day) for day in (12, 13, 14)] == [0, 1, 0]


@pytest.mark.parametrize("end", [keep_flag, archive_flag])
def test_remind__kept_or_archived__says_nothing_more_and_lays_the_message_aside(
    prod: Environment, manager: User, end: Any
) -> None:
    flag = make_flag(key="late", expires_on=_day(3).date())
    _remind(4)

    end(flag_id=flag.pk, **_by(5))

    assert _remind(90) == 0
    assert not Delivery.objects.filter(channel=Channel.INBOX, read_at=None).exists()


@pytest.mark.django_db(transaction=True)
def test_remind__two_workers_at_once__tell_once() -> None:
    place = make_environment(key="prod", is_production=True)
    make_person(Role.RELEASE_MANAGER)
    flag = _make(place)
    act = partial(tell_removable, flag, due_on=_day(30).date(), now=_day(30))

    assert race(act, act) == "done"
    assert Event.objects.filter(kind="flag_removable").count() == 1


def test_words__name_the_flag_its_owner_and_the_day(prod: Environment, manager: User) -> None:
    _make(prod, name="Price buttons", owner="Till team")
    _make(prod, key="other")
    _remind(30)
    event, other = Event.objects.order_by("pk")

    assert say_subject(event) == "The flag Price buttons can be removed"
    assert "Price buttons is to be removed since Fri 4 Dec 2026. Owner: Till team." in say_body(event)
    assert "Owner: nobody is named." in say_body(other)
    with translation.override("fr"):
        assert say_subject(event) == "Le flag Price buttons peut être retiré"
    assert event.url == "/flags/buttons/"
