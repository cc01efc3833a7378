"""A courier that has nothing to do asks once, and takes no lock."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from core import clock
from core.roles import Role
from notifications.bulk_transitions import address_contacts, list_users
from notifications.contact_transitions import Row, add_users
from notifications.domain.retry import LEASE
from notifications.models import Channel, Delivery, DeliveryStatus
from notifications.tasks import deliver, deliver_bulk, deliver_outside
from notifications.waiting_queries import BULK, MAILS, PARCELS, is_waiting
from tests.factories.core import make_person
from tests.factories.notifications import make_endpoint, make_event

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("courier", [deliver, deliver_outside, deliver_bulk])
def test_courier__nothing_is_due__asks_once(
    courier: Callable[[], int], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_endpoint()
    event = make_event(make_person(Role.SUPPORT).pk)
    add_users([Row("a@example.org")], now=clock.now())
    address_contacts(event, list_users(), now=clock.now())
    assert all(is_waiting(whose, now=clock.now()) for whose in (MAILS, PARCELS, BULK))
    Delivery.objects.update(next_attempt_at=clock.now() + timedelta(minutes=1))

    with django_assert_num_queries(1):
        assert courier() == 0


@pytest.mark.parametrize(
    ("status", "wait", "leased", "waits"),
    [
        (DeliveryStatus.PENDING, timedelta(0), None, True),
        (DeliveryStatus.PENDING, timedelta(seconds=1), None, False),
        (DeliveryStatus.SENDING, timedelta(0), timedelta(0), True),
        (DeliveryStatus.SENDING, timedelta(0), LEASE, False),
        (DeliveryStatus.SENT, timedelta(0), None, False),
        (DeliveryStatus.DEAD, timedelta(0), None, False),
    ],
)
def test_is_waiting__a_mail__by_what_became_of_it(
    status: DeliveryStatus, wait: timedelta, leased: timedelta | None, waits: bool
) -> None:
    now = clock.now()
    make_event(make_person(Role.SUPPORT).pk)
    leased_until = None if leased is None else now + leased
    sent_at = now if status == DeliveryStatus.SENT else None
    Delivery.objects.filter(channel=Channel.EMAIL).update(
        status=status, next_attempt_at=now + wait, leased_until=leased_until, sent_at=sent_at
    )

    assert is_waiting(MAILS, now=now) == waits
    assert not is_waiting(PARCELS, now=now)
    assert not is_waiting(BULK, now=now)
