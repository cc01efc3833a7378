"""The inbox: one's own messages, read one by one or all, bounded."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import clock
from core.actors import DEMO
from core.models import User
from core.people import deactivate_person
from core.roles import Role
from notifications.models import Channel, Delivery
from notifications.transitions import mark_failed
from notifications.views import PAGE_SIZE
from tests.factories.core import make_person
from tests.factories.notifications import make_event
from tests.notifications.claims import claim_delivery
from tests.signed_in import sign_in_as

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader() -> User:
    return make_person(Role.SUPPORT, language="en")


@pytest.fixture
def client(reader: User) -> Client:
    return sign_in_as(reader, language="en")


def _read(client: Client, address: str = "/inbox/") -> str:
    page = client.get(address)
    assert page.status_code == 200
    return page.content.decode()


def _mine(reader: User) -> list[Delivery]:
    return list(Delivery.objects.filter(recipient=reader, channel=Channel.INBOX).order_by("pk"))


def test_inbox__nothing__says_what_will_come(client: Client) -> None:
    assert "Nothing yet." in _read(client)
    assert "Everything is read." in _read(client, "/inbox/?show=unread")


@pytest.mark.parametrize("role", list(Role))
def test_inbox__each_role__reads_its_own_messages_only(role: Role) -> None:
    me, other = make_person(role, language="en"), make_person(role)
    make_event(me.pk, data={"release": "mine", "environment": "prod", "reason": "x"})
    make_event(other.pk, data={"release": "others", "environment": "prod", "reason": "x"})

    page = _read(sign_in_as(me, language="en"))

    assert "Release mine paused" in page
    assert "Release others" not in page


def test_inbox__marked_one_by_one__leaves_the_others_unread(client: Client, reader: User) -> None:
    make_event(reader.pk)
    make_event(reader.pk)
    first, second = _mine(reader)

    answer = client.post("/inbox/", {"delivery": first.pk, "show": "unread"})

    assert answer.headers["Location"] == "/inbox/?show=unread"
    assert [bool(one.read_at) for one in _mine(reader)] == [True, False]
    assert f'value="{second.pk}"' in _read(client, "/inbox/?show=unread")


def test_inbox__opened__is_read_and_leads_to_the_page_it_tells_of(client: Client, reader: User) -> None:
    make_event(reader.pk, url="/rollouts/7/")

    answer = client.post("/inbox/", {"delivery": _mine(reader)[0].pk, "open": "1"})

    assert answer.headers["Location"] == "/rollouts/7/"
    assert _mine(reader)[0].read_at


@pytest.mark.parametrize("url", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)", ""])
def test_inbox__opened_with_a_foreign_address__stays_here(client: Client, reader: User, url: str) -> None:
    make_event(reader.pk, url=url)

    assert client.post("/inbox/", {"delivery": _mine(reader)[0].pk, "open": "1"}).headers["Location"] == "/inbox/"


def test_inbox__somebody_elses_message__is_neither_marked_nor_opened(client: Client) -> None:
    other = make_person(Role.SUPPORT)
    make_event(other.pk, url="/rollouts/7/")

    answer = client.post("/inbox/", {"delivery": _mine(other)[0].pk, "open": "1"})

    assert answer.headers["Location"] == "/inbox/"
    assert _mine(other)[0].read_at is None


def test_inbox__all_marked__only_what_was_on_the_page_when_it_was_read(client: Client, reader: User) -> None:
    make_event(reader.pk)
    seen = _mine(reader)[-1].pk
    assert f'name="up_to" value="{seen}"' in _read(client)
    make_event(reader.pk)

    client.post("/inbox/", {"up_to": seen})

    assert [bool(one.read_at) for one in _mine(reader)] == [True, False]


@pytest.mark.parametrize("data", [{"delivery": "x"}, {"delivery": "9" * 30}, {"up_to": "-1"}])
def test_inbox__wrong_number__is_refused(client: Client, reader: User, data: dict[str, Any]) -> None:
    make_event(reader.pk)

    assert client.post("/inbox/", data).status_code == 400
    assert _mine(reader)[0].read_at is None


def test_inbox__many__comes_in_pages_and_an_unknown_page_is_the_last(client: Client, reader: User) -> None:
    for _ in range(PAGE_SIZE + 1):
        make_event(reader.pk)

    assert "page=2" in _read(client)
    assert "page=1" in _read(client, "/inbox/?page=2")
    assert "page=1" in _read(client, "/inbox/?page=99")


def test_inbox__two_and_twenty_messages__take_the_same_queries(client: Client, reader: User) -> None:
    counts = []
    for number in (2, 18):
        for _ in range(number):
            make_event(reader.pk)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            _read(client)
        counts.append(len(queries))

    assert counts[0] == counts[1]


@pytest.mark.parametrize("role", [Role.ADMIN, Role.SUPPORT])
def test_inbox__a_mail_was_given_up__says_so_and_leads_to_it(role: Role) -> None:
    make_event(make_person(Role.SUPPORT).pk)
    claimed = claim_delivery(now=clock.now())
    assert claimed is not None
    mark_failed(delivery_id=claimed.pk, attempt=1, error="550", is_final=True, jitter=0.0, now=clock.now())

    page = _read(sign_in_as(make_person(role), language="en"))

    assert "1 mail could not be delivered" in page
    assert 'href="/told/?outcome=given_up"' in page


def _give_up(user: User) -> Delivery:
    make_event(user.pk)
    claimed = claim_delivery(now=clock.now())
    assert claimed is not None
    mark_failed(delivery_id=claimed.pk, attempt=1, error="550 No such box", is_final=True, jitter=0.0, now=clock.now())
    claimed.refresh_from_db()
    return claimed


def test_inbox__own_mail_was_given_up__says_why_and_sends_it_again(client: Client, reader: User) -> None:
    mail = _give_up(reader)
    page = _read(client)
    assert "The mail did not arrive:" in page
    assert "550 No such box" in page

    client.post("/inbox/again/", {"delivery": mail.pk})

    mail.refresh_from_db()
    assert (mail.status, mail.attempts) == ("pending", 0)
    assert "The mail did not arrive:" not in _read(client)


def test_send_again__twice__the_second_is_told(client: Client, reader: User) -> None:
    mail = _give_up(reader)

    answers = [client.post("/inbox/again/", {"delivery": mail.pk}).status_code for _ in range(2)]

    assert answers == [302, 409]


@pytest.mark.parametrize("given", ["", "x", "0", "999999"])
def test_send_again__wrong_number__is_refused(client: Client, reader: User, given: str) -> None:
    mail = _give_up(reader)

    assert client.post("/inbox/again/", {"delivery": given}).status_code == 400
    mail.refresh_from_db()
    assert mail.status == "dead"


@pytest.mark.parametrize(("role", "status"), [(Role.SUPPORT, "dead"), (Role.AUDITOR, "dead"), (Role.ADMIN, "pending")])
def test_send_again__somebody_elses__only_by_an_admin(role: Role, status: str) -> None:
    mail = _give_up(make_person(Role.SUPPORT))

    sign_in_as(make_person(role), language="en").post("/inbox/again/", {"delivery": mail.pk, "event": mail.event_id})

    mail.refresh_from_db()
    assert mail.status == status


def test_send_again__reader_left_since__is_refused_and_names_them() -> None:
    reader = make_person(Role.SUPPORT)
    mail = _give_up(reader)
    deactivate_person(user_id=reader.pk, actor=DEMO, reason="left", now=clock.now())

    answer = sign_in_as(make_person(Role.ADMIN, language="en"), language="en").post(
        "/inbox/again/", {"delivery": mail.pk}
    )

    assert answer.status_code == 409
    assert reader.username in answer.content.decode()


def test_inbox__filtered_by_kind__shows_that_kind_and_keeps_the_filter(client: Client, reader: User) -> None:
    make_event(reader.pk, data={"release": "paused", "environment": "prod", "reason": "x"})
    make_event(reader.pk, kind="rollout_held", data={"release": "held", "environment": "prod", "reason": "x"})

    page = _read(client, "/inbox/?kind=rollbacks")
    assert "Release held" in page
    assert "Release paused" not in page
    assert "None like that." in _read(client, "/inbox/?kind=moon")
    answer = client.post("/inbox/", {"delivery": _mine(reader)[1].pk, "kind": "rollbacks", "show": "unread"})
    assert answer.headers["Location"] == "/inbox/?show=unread&kind=rollbacks"
