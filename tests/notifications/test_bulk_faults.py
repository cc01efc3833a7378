"""What goes wrong with one of a batch stays with it: the others arrive once, nobody is written off for nothing."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
import time_machine

from core.actors import DEMO
from notifications import bulk_courier, tasks
from notifications.bulk_models import BroadcastStatus
from notifications.bulk_transitions import (
    address_contacts,
    claim_batch,
    list_users,
    mark_one_failed,
    start_broadcast,
    steer_broadcast,
)
from notifications.contact_models import Contact, ContactKind, ContactStatus
from notifications.contact_transitions import Row, add_users, ask_for, confirm_contact, end_contact
from notifications.domain.answers import read_retry_after
from notifications.domain.boxes import hide_addresses, is_box_gone
from notifications.models import Delivery, DeliveryStatus
from notifications.tasks import deliver_bulk
from tests.factories.core import NOW
from tests.factories.notifications import make_event
from tests.notifications.mail_server import Server
from tests.notifications.receivers import receiving

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def _broadcast(*addresses: str) -> list[Delivery]:
    add_users([Row(one) for one in addresses], now=NOW)
    start_broadcast(event=make_event(), contacts=list(list_users()), actor=DEMO, reason="They must know", now=NOW)
    return list(Delivery.objects.filter(contact__isnull=False).order_by("pk"))


def _list_statuses() -> list[tuple[str, int]]:
    rows = Delivery.objects.filter(contact__isnull=False).order_by("pk")
    return list(rows.values_list("status", "attempts"))


@pytest.mark.parametrize(
    "text",
    [
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2026 00:00:00 +99999999999999999999",
        "Mon, 99 Jan 2026 00:00:00 GMT",
        "-1",
        "soon",
        "",
    ],
)
def test_retry_after__no_moment__is_none(text: str) -> None:
    assert read_retry_after(text, now=NOW) is None


def test_batch__one_that_breaks_the_courier__keeps_no_other_waiting(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliveries = _broadcast("a@example.org", "b@example.org", "c@example.org")
    compose = bulk_courier._compose

    def break_at_second(delivery: Delivery, connection: Any) -> Any:
        if delivery.pk == deliveries[1].pk:
            raise RecursionError
        return compose(delivery, connection)

    monkeypatch.setattr(bulk_courier, "_compose", break_at_second)

    assert deliver_bulk() == 2
    assert [one.rcpt_tos for one in server.taken] == [["a@example.org"], ["c@example.org"]]
    assert [status for status, _attempts in _list_statuses()] == ["sent", "pending", "sent"]


def test_batch__more_than_a_round_has_time_for__is_given_back_uncounted(
    server: Server, monkeypatch: pytest.MonkeyPatch, _clock: time_machine.Traveller
) -> None:
    _broadcast("a@example.org", "b@example.org", "c@example.org")
    with monkeypatch.context() as patch:
        patch.setattr(tasks, "ROUND_SECONDS", -1.0)
        assert deliver_bulk() == 1
    assert _list_statuses() == [("sent", 1), ("pending", 0), ("pending", 0)]

    _clock.shift(timedelta(minutes=1))
    assert deliver_bulk() == 2
    assert len(server.taken) == 3


def test_batch__taken_over_by_another_courier__is_sent_by_that_one_alone(
    server: Server, monkeypatch: pytest.MonkeyPatch, _clock: time_machine.Traveller
) -> None:
    _broadcast("a@example.org", "b@example.org")
    late = claim_batch(now=NOW)
    _clock.shift(timedelta(minutes=2))
    assert deliver_bulk() == 2

    monkeypatch.setattr(tasks, "claim_batch", lambda **_given: late)
    assert deliver_bulk() == 0

    assert len(server.taken) == 2


def test_batch__reader_ends_it_while_a_courier_has_it__is_passed_over(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _second = _broadcast("a@example.org", "b@example.org")

    def claim_then_end(*, now: datetime) -> list[Delivery]:
        claimed = claim_batch(now=now)
        end_contact(contact_id=first.contact_id or 0, now=now)
        return claimed

    monkeypatch.setattr(tasks, "claim_batch", claim_then_end)

    assert deliver_bulk() == 1
    assert [one.rcpt_tos for one in server.taken] == [["b@example.org"]]


def test_round__already_running__a_second_one_sends_nothing(server: Server) -> None:
    _broadcast("a@example.org")

    with tasks._bulk_runs:
        assert deliver_bulk() == 0
    assert server.taken == []
    assert deliver_bulk() == 1


def test_program_that_a_stranger_typed__inside__is_not_called(settings: Any) -> None:
    settings.OUTBOUND_NETWORKS = [ip_network("127.0.0.1/32")]
    with receiving() as receiver:
        contact = ask_for(kind=ContactKind.WEBHOOK, address=receiver.url, language="fr", topics=[], now=NOW)
        confirm_contact(contact_id=contact.pk, now=NOW)
        address_contacts(make_event(), [contact], now=NOW)

        assert deliver_bulk() == 0
        assert receiver.received == []
    assert Contact.objects.get().status == ContactStatus.BOUNCED


@pytest.mark.parametrize(("asked", "waits"), [("600", timedelta(minutes=10)), ("0", timedelta(seconds=2.5))])
def test_program_asks_to_come_later__is_called_no_sooner_and_nobody_waits_with_it(
    settings: Any, _clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch, asked: str, waits: timedelta
) -> None:
    settings.SUBSCRIBER_NETWORKS = [ip_network("127.0.0.1/32")]
    settings.BULK_PER_MINUTE = 60_000
    monkeypatch.setattr(tasks, "_jitter", lambda: 0.0)
    with receiving() as receiver:
        receiver.answers, receiver.headers = [429], {"Retry-After": asked}
        contact = ask_for(kind=ContactKind.WEBHOOK, address=receiver.url, language="fr", topics=[], now=NOW)
        confirm_contact(contact_id=contact.pk, now=NOW)
        address_contacts(make_event(), [contact], now=NOW)
        assert deliver_bulk() == 0

        _clock.shift(waits - timedelta(milliseconds=10))
        _broadcast("a@example.org")
        assert deliver_bulk() == 1
        assert len(receiver.received) == 1
        _clock.shift(timedelta(milliseconds=10))
        assert deliver_bulk() == 1
        assert len(receiver.received) == 2


def test_batch__broken_off_while_a_courier_has_it__does_not_wait_for_its_next_try() -> None:
    (delivery,) = _broadcast("a@example.org")
    (claimed,) = claim_batch(now=NOW)
    steer_broadcast(
        broadcast_id=delivery.event.broadcast.pk, status=BroadcastStatus.ENDED, actor=DEMO, reason="Wrong text", now=NOW
    )

    mark_one_failed(delivery=claimed, error="451 Later", is_final=False, jitter=0.0, now=NOW)

    assert _list_statuses() == [("dead", 1)]


@pytest.mark.parametrize("answer", ["554 5.7.1 Relay access denied", "550 5.4.5 Quota exceeded", "550 No"])
def test_refused_for_the_sender__keeps_every_address(server: Server, answer: str) -> None:
    server.to_recipient = answer
    _broadcast("a@example.org", "b@example.org")

    assert deliver_bulk() == 0

    assert set(Contact.objects.values_list("status", flat=True)) == {ContactStatus.ACTIVE}
    assert {status for status, _attempts in _list_statuses()} == {DeliveryStatus.DEAD}


@pytest.mark.parametrize(
    ("words", "is_gone"),
    [
        ("5.1.1 No such box", True),
        ("5.1.10 Null MX", True),
        ("5.2.1", True),
        ("5.7.1 Relay denied", False),
        ("5.1.1.4 is no code", False),
        ("No such box 5.1.1", False),
        ("", False),
    ],
)
def test_box__gone_or_not__is_told_by_its_code(words: str, is_gone: bool) -> None:
    assert is_box_gone(words) is is_gone


def test_addresses__in_a_servers_words__are_hidden() -> None:
    assert hide_addresses("550 5.1.1 <jane@corp.example>: unknown (ana@x.org)") == "550 5.1.1 <…>: unknown (…)"
