"""Readers without an account: asked twice, ended by one click, sent in batches at one pace, and what comes back."""

import io
import re
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from ipaddress import ip_network
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.actors import DEMO
from core.errors import InvalidInput, Refusal
from core.roles import Role
from notifications.bounces import read_bounce, sender_of
from notifications.bulk_models import Broadcast, BroadcastStatus
from notifications.bulk_transitions import (
    BROKEN_OFF,
    address_contacts,
    claim_batch,
    list_users,
    start_broadcast,
    steer_broadcast,
)
from notifications.contact_links import write_confirm_link, write_end_link
from notifications.contact_models import Contact, ContactKind, ContactStatus
from notifications.contact_transitions import Row, add_users, ask_for, confirm_contact, end_contact
from notifications.models import Delivery, DeliveryStatus
from notifications.resending import send_again
from notifications.subscribing import tell_subscribers
from notifications.tasks import deliver, deliver_bulk
from notifications.user_lists import read_users
from tests.factories.core import NOW, make_person
from tests.factories.notifications import make_event
from tests.notifications.mail_server import Server
from tests.notifications.receivers import receiving
from tests.signed_in import sign_in

ADDRESS = "marie@example.org"


@pytest.fixture(autouse=True)
def _clock(settings: Any) -> Iterator[time_machine.Traveller]:
    settings.SUBSCRIBER_NETWORKS = [ip_network("127.0.0.1/32")]
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def _ask(address: str = ADDRESS, kind: ContactKind = ContactKind.EMAIL) -> Contact:
    return ask_for(kind=kind, address=address, language="fr", topics=[], now=NOW)


def _users(*addresses: str) -> list[Contact]:
    add_users([Row(one) for one in addresses], now=NOW)
    return list(list_users())


def _broadcast(contacts: list[Contact]) -> Broadcast:
    return start_broadcast(event=make_event(), contacts=contacts, actor=DEMO, reason="They must know", now=NOW)


def _path(link: str) -> str:
    return re.sub(r"https?://[^/]+", "", link)


@pytest.mark.django_db
def test_subscription__asked_for_again__changes_nothing_of_an_active_one() -> None:
    contact = _ask()
    assert contact.status == ContactStatus.PENDING
    confirm_contact(contact_id=contact.pk, now=NOW)

    same = ask_for(kind=ContactKind.EMAIL, address=" Marie@Example.org", language="en", topics=["x"], now=NOW)

    assert same.pk == contact.pk
    same.refresh_from_db()
    assert (same.language, same.topics) == ("fr", [])


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["", "marie", "a@b", "x" * 2_000 + "@example.org", "a\nb@example.org"])
def test_subscription__no_address__is_refused(address: str) -> None:
    with pytest.raises(InvalidInput):
        _ask(address)


@pytest.mark.django_db
def test_links__only_a_post_acts_and_only_with_the_signature(client: Client) -> None:
    contact = _ask()
    confirm, end = _path(write_confirm_link(contact.pk)), _path(write_end_link(contact.pk))

    assert "Oui" in client.get(confirm).content.decode()
    contact.refresh_from_db()
    assert contact.status == ContactStatus.PENDING
    assert client.post(confirm).status_code == 200
    contact.refresh_from_db()
    assert contact.status == ContactStatus.ACTIVE

    client.get(end)
    contact.refresh_from_db()
    assert contact.status == ContactStatus.ACTIVE
    assert client.post(end[:-3] + "x/").status_code == 404
    assert client.post(confirm.replace("confirm", "end")).status_code == 404
    assert client.post(end, {"List-Unsubscribe": "One-Click"}).status_code == 200
    contact.refresh_from_db()
    assert (contact.status, contact.email) == (ContactStatus.ENDED, "")
    assert client.post(end).status_code == 200, "a second click changes nothing"


@pytest.mark.django_db
def test_confirm__looked_at_again__says_how_it_stands_in_the_readers_language(client: Client) -> None:
    contact = _ask()
    link = _path(write_confirm_link(contact.pk, language="en", topics=["7"]))
    assert "Yes, tell me" in client.get(link).content.decode()
    client.post(link)

    done = client.get(link).content.decode()
    end_contact(contact_id=contact.pk, now=NOW)
    over = client.get(link)

    assert "Confirmed" in done
    assert "Yes, tell me" not in done
    assert (over.status_code, "This link has run out" in over.content.decode()) == (404, True)


@pytest.mark.django_db
def test_confirm__after_two_days__has_run_out(client: Client, _clock: time_machine.Traveller) -> None:
    link = _path(write_confirm_link(_ask().pk))
    _clock.shift(timedelta(hours=49))

    assert client.post(link).status_code == 404
    assert Contact.objects.get().status == ContactStatus.PENDING


@pytest.mark.django_db
def test_broadcast__real_server__each_gets_one_mail_with_one_click_to_end_it(server: Server, client: Client) -> None:
    _broadcast(_users("a@example.org", "b@example.org"))

    assert deliver_bulk() == 2
    assert deliver_bulk() == 0

    assert sorted(one.rcpt_tos[0] for one in server.taken) == ["a@example.org", "b@example.org"]
    mail: Any = message_from_bytes(server.taken[0].content, policy=policy.default)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = "".join(mail["List-Unsubscribe"].split()).strip("<>")
    assert link in mail.get_body(("plain",)).get_content()
    assert client.post(_path(link)).status_code == 200
    assert Contact.objects.filter(status=ContactStatus.ENDED).count() == 1


@pytest.mark.django_db
def test_broadcast__paused__waits_goes_on_and_is_broken_off(server: Server, _clock: time_machine.Traveller) -> None:
    broadcast = _broadcast(_users(*(f"u{number}@example.org" for number in range(120))))

    def steer(status: BroadcastStatus) -> None:
        steer_broadcast(broadcast_id=broadcast.pk, status=status, actor=DEMO, reason="Look first", now=NOW)

    assert deliver_bulk() == 50
    assert deliver_bulk() == 0, "at its pace: fifty of six hundred a minute take five seconds"
    steer(BroadcastStatus.PAUSED)
    _clock.shift(timedelta(seconds=5))
    assert deliver_bulk() == 0
    steer(BroadcastStatus.SENDING)
    assert deliver_bulk() == 50
    steer(BroadcastStatus.ENDED)
    _clock.shift(timedelta(seconds=5))
    assert deliver_bulk() == 0

    assert len(server.taken) == 100
    assert Delivery.objects.filter(contact__isnull=False, status=DeliveryStatus.DEAD).count() == 20
    with pytest.raises(Refusal):
        steer(BroadcastStatus.SENDING)


@pytest.mark.django_db
def test_broadcast__of_thousands__keeps_an_urgent_mail_waiting_not_at_all(server: Server) -> None:
    _broadcast(_users(*(f"u{number}@example.org" for number in range(500))))
    manager = make_person(Role.RELEASE_MANAGER)
    make_event(manager.pk, kind="incident_opened")

    assert deliver() == 1

    assert server.taken[0].rcpt_tos == [manager.email]


@pytest.mark.django_db
def test_broadcast__written__costs_a_few_statements_however_many_it_is_for() -> None:
    few, many = _users("a@example.org"), _users(*(f"u{number}@example.org" for number in range(1_500)))
    counted = []
    for contacts in (few, many):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            address_contacts(make_event(), contacts, now=NOW)
        counted.append(len(queries))

    assert counted[0] == counted[1]


@pytest.mark.django_db
def test_bulk__box_unknown__ends_the_address_and_the_others_arrive(server: Server) -> None:
    server.unknown = {"gone@example.org"}
    _broadcast(_users("gone@example.org", "here@example.org"))

    assert deliver_bulk() == 1

    assert Contact.objects.get(status=ContactStatus.BOUNCED).bounce.startswith("550")
    assert [one.rcpt_tos for one in server.taken] == [["here@example.org"]]


@pytest.mark.django_db
def test_bulk__mail_refused_for_what_is_in_it__gives_that_mail_up_and_keeps_the_address(server: Server) -> None:
    server.to_data = "554 5.7.1 Looks like spam"
    _broadcast(_users("a@example.org", "b@example.org"))

    assert deliver_bulk() == 0

    assert set(Delivery.objects.filter(contact__isnull=False).values_list("status", flat=True)) == {"dead"}
    assert set(Contact.objects.values_list("status", "email")) == {
        (ContactStatus.ACTIVE, "a@example.org"),
        (ContactStatus.ACTIVE, "b@example.org"),
    }


@pytest.mark.django_db
def test_broadcast__broken_off_while_a_courier_has_some__sends_them_no_more_whatever_became_of_them(
    server: Server, _clock: time_machine.Traveller
) -> None:
    broadcast = _broadcast(_users("a@example.org", "b@example.org"))
    assert len(claim_batch(now=NOW)) == 2
    given: dict[str, Any] = {"actor": DEMO, "reason": "Wrong number", "now": NOW}
    steer_broadcast(broadcast_id=broadcast.pk, status=BroadcastStatus.ENDED, **given)

    _clock.shift(timedelta(hours=1))
    assert deliver_bulk() == 0

    assert server.taken == []
    rows = Delivery.objects.filter(contact__isnull=False)
    assert set(rows.values_list("status", "last_error")) == {(DeliveryStatus.DEAD, BROKEN_OFF)}
    with pytest.raises(Refusal) as refused:
        send_again(delivery_id=rows.latest("pk").pk, now=NOW)
    assert refused.value.code == "broadcast_broken_off"


@pytest.mark.django_db
def test_send_again__reader_has_ended_it__is_refused(server: Server) -> None:
    server.unknown = {"gone@example.org"}
    _broadcast(_users("gone@example.org"))
    deliver_bulk()

    with pytest.raises(Refusal) as refused:
        send_again(delivery_id=Delivery.objects.get(contact__isnull=False).pk, now=NOW)

    assert refused.value.code == "contact_ended"


@pytest.mark.django_db
def test_topics__of_another__are_not_told() -> None:
    for address, topics in (("a@example.org", ["7"]), ("b@example.org", ["8"]), ("c@example.org", [])):
        asked = ask_for(kind=ContactKind.EMAIL, address=address, language="fr", topics=topics, now=NOW)
        confirm_contact(contact_id=asked.pk, now=NOW)
    ask_for(kind=ContactKind.EMAIL, address="unconfirmed@example.org", language="fr", topics=["7"], now=NOW)
    words: dict[str, Any] = {"kind": "status_update", "data": {}, "url": "/status/", "now": NOW}

    event = tell_subscribers(topics=["7"], dedupe_key="once", **words)

    assert event is not None
    assert sorted(event.deliveries.values_list("contact__email", flat=True)) == ["a@example.org", "c@example.org"]
    assert tell_subscribers(topics=["7"], dedupe_key="once", **words) is None


@pytest.mark.django_db
def test_bulk__mail_server_away__nothing_is_lost_or_counted(server: Server, settings: Any) -> None:
    _broadcast(_users("a@example.org", "b@example.org"))
    port = settings.EMAIL_PORT
    settings.EMAIL_PORT = 1

    assert deliver_bulk() == 0

    rows = Delivery.objects.filter(contact__isnull=False)
    assert set(rows.values_list("status", "attempts")) == {(DeliveryStatus.PENDING, 0)}
    settings.EMAIL_PORT = port
    with time_machine.travel(NOW + timedelta(minutes=1)):
        assert deliver_bulk() == 2


@pytest.mark.django_db
def test_bulk__reader_ended_it_meanwhile__is_not_written_to(server: Server) -> None:
    first, second = _users("a@example.org", "b@example.org")
    _broadcast([first, second])

    end_contact(contact_id=first.pk, now=NOW)

    assert deliver_bulk() == 1
    assert server.taken[0].rcpt_tos == ["b@example.org"]
    assert Delivery.objects.get(contact=first).last_error == "the reader has ended it"


@pytest.mark.django_db
def test_bulk__program_that_subscribed__is_called_and_ended_when_it_is_gone(_clock: time_machine.Traveller) -> None:
    with receiving(answers=[200, 410]) as receiver:
        contact = _ask(receiver.url, ContactKind.WEBHOOK)
        confirm_contact(contact_id=contact.pk, now=NOW)
        for _ in range(2):
            address_contacts(make_event(), [contact], now=NOW)
            deliver_bulk()
            _clock.shift(timedelta(minutes=1))

    contact.refresh_from_db()
    assert len(receiver.received) == 2
    assert receiver.received[0].json["unsubscribe"].endswith("/")
    assert (contact.status, contact.sealed_address) == (ContactStatus.BOUNCED, "")


@pytest.mark.django_db
def test_users__who_ended_it__is_never_added_again_and_who_is_there_gets_what_the_list_says() -> None:
    first, second = _users("a@example.org", "b@example.org")
    end_contact(contact_id=first.pk, now=NOW)

    counted = add_users([Row("a@example.org"), Row("B@example.org", "en", ["lyon"]), Row("c@example.org")], now=NOW)

    assert (counted.new, counted.changed, counted.left_out) == (1, 1, 1)
    again = add_users([Row("B@example.org", "en", ["lyon"])], now=NOW)
    assert (again.new, again.changed, again.left_out) == (0, 0, 0)
    second.refresh_from_db()
    assert (second.language, second.topics) == ("en", ["lyon"])
    assert {one.email for one in list_users(site_keys=["paris"])} == {"c@example.org"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a@example.org\n\nb@example.org", ["a@example.org", "b@example.org"]),
        ("email,language,sites\na@example.org,en,lyon paris", ["a@example.org"]),
        ("Email;Language\na@example.org;fr", ["a@example.org"]),
    ],
)
def test_list__plain_or_csv__is_read(text: str, found: list[str]) -> None:
    assert [row.email for row in read_users(text, sites={"lyon", "paris"})] == found


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "users_none"),
        ("a@example.org\nmarie", "users_address_wrong"),
        ("email,language\na@example.org,de", "users_language_wrong"),
        ("email,sites\na@example.org,rome", "users_site_unknown"),
        ("email,phone\na@example.org,1", "users_column_unknown"),
    ],
)
def test_list__wrong_line__is_refused_as_a_whole(text: str, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_users(text, sites={"lyon"})

    assert refused.value.code == code


def _report(delivery_id: int, *, action: str = "failed", status: str = "5.1.1", to: str = "") -> bytes:
    return (
        f"To: {to or sender_of(delivery_id)}\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="B"\r\n\r\n'
        "--B\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        "--B\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\n"
        f"Final-Recipient: rfc822; a@example.org\r\nAction: {action}\r\nStatus: {status}\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 No such box\r\n\r\n--B--\r\n"
    ).encode()


@pytest.mark.django_db
def test_bounce__report_with_our_signature__ends_the_address(
    settings: Any, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BOUNCE_ADDRESS = "bounces@portal.example"
    _broadcast(_users("a@example.org"))
    deliver_bulk()
    delivery = Delivery.objects.get(contact__isnull=False)
    sender = server.taken[0].mail_from
    assert sender == sender_of(delivery.pk)

    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(_report(delivery.pk))))
    said = io.StringIO()
    call_command("record_bounce", stdout=said)

    assert "Noted" in said.getvalue()
    contact = Contact.objects.get()
    assert (contact.status, contact.bounce) == (ContactStatus.BOUNCED, "smtp; 550 5.1.1 No such box")


def test_bounce__forged_delayed_or_no_report__ends_nothing(settings: Any) -> None:
    settings.BOUNCE_ADDRESS = "bounces@portal.example"

    assert read_bounce(_report(7, to="bounces+7.00000000000000000000@portal.example")) is None
    assert read_bounce(b"To: someone\r\n\r\nHello") is None
    assert read_bounce(b"") is None
    delayed = read_bounce(_report(7, action="delayed", status="4.4.1"))
    assert delayed is not None
    assert not delayed.is_final
    final = read_bounce(_report(7))
    assert final is not None
    assert final.is_final


@pytest.mark.django_db
def test_pages__manager__adds_users_and_steers_a_broadcast() -> None:
    client = sign_in(Role.RELEASE_MANAGER)
    added = client.post("/broadcasts/users/", {"text": "a@example.org\nb@example.org"}, follow=True)
    assert "2 new" in added.content.decode()
    wrong = client.post("/broadcasts/users/", {"text": "c@example.org\nnobody"})
    assert wrong.status_code == 400
    assert "Line 2" in wrong.content.decode()
    assert Contact.objects.count() == 2
    broadcast = _broadcast(list(list_users()))
    page = f"/broadcasts/{broadcast.pk}/"

    assert client.post(f"{page}pause/", {"reason": ""}).status_code == 400
    paused = client.post(f"{page}pause/", {"reason": "Wrong number in it"}, follow=True).content.decode()

    assert "paused" in paused
    assert "<progress" in client.get(page, headers={"HX-Request": "true", "HX-Target": "progress"}).content.decode()
    assert Broadcast.history.latest("history_id").history_change_reason == "Wrong number in it"
    assert sign_in(Role.SUPPORT).post(f"{page}resume/", {"reason": "x"}).status_code == 403
