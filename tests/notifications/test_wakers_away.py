"""An hour in which nobody wakes a courier: what is said is kept in PostgreSQL, and told once, in order, afterwards.

With Valkey killed for real: tests/scenarios/test_told_without_valkey.py.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
import time_machine
from django.core.mail import EmailMessage

from core.models import User
from core.roles import Role
from notifications.domain.parcels import MOST_IN_ONE
from notifications.models import Channel, Delivery, DeliveryStatus, Event
from notifications.tasks import deliver, deliver_outside
from tests.factories.core import NOW, make_person
from tests.factories.notifications import make_endpoint, make_event
from tests.notifications.receivers import receiving

pytestmark = pytest.mark.django_db
#: One message a minute, for an hour.
MESSAGES = 60


@pytest.fixture
def _clock(settings: Any) -> Iterator[time_machine.Traveller]:
    settings.OUTBOUND_NETWORKS = [ip_network("127.0.0.1/32")]
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def test_hour__without_a_waker__each_message_arrives_once_and_in_order(
    _clock: time_machine.Traveller, mailoutbox: list[EmailMessage]
) -> None:
    mia = make_person(Role.SUPPORT, email="mia@example.org")
    with receiving() as receiver:
        endpoint = make_endpoint(receiver.url, kind=Channel.WEBHOOK)
        events = []
        for minute in range(MESSAGES):
            events.append(_tell(mia, minute))
            _clock.shift(timedelta(minutes=1))
        assert (receiver.received, mailoutbox) == ([], [])
        assert set(Delivery.objects.exclude(channel=Channel.INBOX).values_list("status", flat=True)) == {"pending"}

        while deliver_outside():
            _clock.shift(timedelta(seconds=1))
        while deliver():
            _clock.shift(timedelta(seconds=1))
        assert (deliver_outside(), deliver()) == (0, 0)

        told = [one.json["data"]["event_id"] for one in receiver.received]
        ids = [one.headers["webhook-id"] for one in receiver.received]
    assert told == [str(event.pk) for event in events]
    assert ids == [f"delivery-{one.pk}" for one in Delivery.objects.filter(endpoint=endpoint).order_by("pk")]
    # Mails came as floods, each message in one line of one of them.
    assert [len(_list_releases(one)) for one in mailoutbox] == [MOST_IN_ONE] * (MESSAGES // MOST_IN_ONE)
    assert [release for one in mailoutbox for release in _list_releases(one)] == [f"2.{one}" for one in range(MESSAGES)]
    assert set(Delivery.objects.values_list("status", flat=True)) == {DeliveryStatus.SENT}


def _tell(reader: User, minute: int) -> Event:
    """Tell of a rollout of its own."""
    return make_event(
        reader.pk,
        data={"release": f"2.{minute}", "environment": "prod", "reason": "Lunch"},
        url=f"/rollouts/{minute}/",
        now=NOW + timedelta(minutes=minute),
    )


def _list_releases(mail: EmailMessage) -> list[str]:
    return re.findall(r"\b2\.\d+\b", str(mail.body))
