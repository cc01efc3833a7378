"""The ledger: everybody reads who was told what and what came of it; addresses and another try are an admin's."""

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import clock
from core.models import User
from core.roles import Role
from notifications.domain.audience import Audience
from notifications.ledger_queries import PAGE_SIZE, Outcome, Wish, count_outcomes, find_told, outcome_of
from notifications.ledger_views import DELIVERIES_ON_A_PAGE
from notifications.models import Channel, Delivery
from notifications.transitions import mark_failed, mark_sent
from tests.factories.core import NOW, make_person
from tests.factories.notifications import make_event
from tests.notifications.claims import claim_delivery
from tests.signed_in import sign_in_as

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return sign_in_as(make_person(Role.SUPPORT, language="en"), language="en")


def _read(client: Client, address: str = "/told/") -> str:
    page = client.get(address)
    assert page.status_code == 200
    return page.text


def _deliver(*, error: str = "", is_final: bool = False) -> Delivery:
    """Claim the mail that is due longest; it goes out, or fails."""
    delivery = claim_delivery(now=clock.now())
    assert delivery is not None
    if error:
        mark_failed(
            delivery_id=delivery.pk,
            attempt=delivery.attempts,
            error=error,
            is_final=is_final,
            jitter=0.5,
            now=clock.now(),
        )
    else:
        mark_sent(delivery_id=delivery.pk, now=clock.now())
    delivery.refresh_from_db()
    return delivery


#: Mails are replaced by what is newer about the same alone (tests/notifications/test_mail_floods.py).
OF_MAILS: list[Outcome] = [one for one in Outcome if one is not Outcome.REPLACED]


def _tell(outcome: Outcome, reader: User, **given: object) -> int:
    """Tell one person something whose mail comes to this; return the event."""
    event = make_event(reader.pk, **({"url": f"/rollouts/{outcome}/"} | given))
    if outcome is Outcome.SENT:
        _deliver()
    elif outcome is not Outcome.WAITING:
        _deliver(
            error="450 Later" if outcome is Outcome.RETRIED else "550 No such box", is_final=outcome is Outcome.GIVEN_UP
        )
    return event.pk


@pytest.mark.parametrize("outcome", OF_MAILS)
def test_find__by_what_came_of_it__is_what_the_mail_came_to(outcome: Outcome) -> None:
    reader = make_person(Role.SUPPORT)
    # What waits is told last: each courier takes what is due longest.
    made = {one: _tell(one, reader) for one in sorted(OF_MAILS, key=lambda one: one is Outcome.WAITING)}

    found = find_told(Wish(outcome=outcome, channel=Channel.EMAIL, reader_id=reader.pk)).events

    assert [event.pk for event in found] == [made[outcome]]
    assert outcome_of(found[0].deliveries.get(channel=Channel.EMAIL)) is outcome
    assert count_outcomes(found)[made[outcome]] == {(Channel.INBOX, Outcome.SENT): 1, (Channel.EMAIL, outcome): 1}


def test_find__a_mail_that_is_sent_again_right_now__is_one_that_failed() -> None:
    event = make_event(make_person(Role.SUPPORT).pk)
    Delivery.objects.filter(channel=Channel.EMAIL).update(attempts=1)
    claim_delivery(now=clock.now())

    assert [one.pk for one in find_told(Wish(outcome=Outcome.RETRIED)).events] == [event.pk]
    assert find_told(Wish(outcome=Outcome.WAITING)).events == []


def test_ledger__filters__narrow_and_say_where_nothing_fits(client: Client) -> None:
    ana, ben = make_person(Role.SUPPORT), make_person(Role.RELEASE_MANAGER)
    make_event(ana.pk, data={"release": "paused", "environment": "prod", "reason": "x"}, url="/rollouts/1/")
    make_event(ben.pk, kind="incident_opened", data={"title": "Black", "tier": "critical"}, url="/incidents/7/")
    paused, opened = "Release paused", "Black"

    for address, is_paused, is_opened in (
        ("/told/", True, True),
        (f"/told/?reader={ana.username}", True, False),
        ("/told/?kind=incidents", False, True),
        ("/told/?about=/rollouts/1/", True, False),
        (f"/told/?since={NOW.date() + timedelta(days=2)}", False, False),
        (f"/told/?until={NOW.date()}", True, True),
        (f"/told/?until={NOW.date() - timedelta(days=2)}", False, False),
        ("/told/?outcome=given_up", False, False),
    ):
        page = _read(client, address)
        assert (paused in page, opened in page) == (is_paused, is_opened), address
        assert ("None like that." in page) is not (is_paused or is_opened)


@pytest.mark.parametrize(
    "query", ["outcome=odd", "kind=odd", "channel=sms", "reader=nobody", "since=odd", "until=0001-01-01", "before=-1"]
)
def test_ledger__hostile_filter__is_answered(client: Client, query: str) -> None:
    make_event(make_person(Role.SUPPORT).pk)

    page = _read(client, f"/told/?{query}")

    # What cannot be read is said beside its filter; a place that is none is the first page.
    assert ("▲" in page) is not query.startswith("before")


def test_ledger__about_a_page__says_so_and_keeps_it_while_filtering(client: Client) -> None:
    page = _read(client, "/told/?about=/rollouts/1/")

    assert re.search(r'What was told about <a href="/rollouts/1/"', page)
    assert re.search(r'<input type="hidden" name="about" value="/rollouts/1/"', page)


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "//evil.example/", "/\\evil.example/", "https://evil.example/"]
)
def test_ledger__about_no_page_of_ours__is_no_link(client: Client, address: str) -> None:
    page = _read(client, f"/told/?{urlencode({'about': address})}")

    assert f'href="{address}' not in page
    assert "What was told about" not in page


def test_ledger__more_than_a_page__older_ones_follow_and_each_stands_once(client: Client) -> None:
    reader = make_person(Role.SUPPORT)
    made = {make_event(reader.pk).pk for _ in range(PAGE_SIZE + 1)}

    first = _read(client, f"/told/?reader={reader.username}")
    older = re.search(r'href="(\?[^"]*before=\d+)"', first)
    assert older
    second = _read(client, "/told/" + older[1].replace("&amp;", "&"))

    listed = [{int(one) for one in re.findall(r'href="/told/(\d+)/"', page)} for page in (first, second)]
    assert [len(one) for one in listed] == [PAGE_SIZE, 1]
    assert listed[0] | listed[1] == made
    assert "before=" not in second


def test_pages__two_and_twenty__take_the_same_queries(client: Client) -> None:
    counts = []
    for number in (2, 18):
        people = [make_person(Role.SUPPORT).pk for _ in range(number)]
        event = make_event(*people)
        for _ in range(number - 1):
            make_event(*people)
        for address in ("/told/", f"/told/{event.pk}/"):
            with CaptureQueriesContext(connection) as queries:
                _read(client, address)
            counts.append(len(queries))

    assert counts[:2] == counts[2:]


def test_told__an_event__names_everybody_first_whom_it_did_not_reach() -> None:
    client = sign_in_as(make_person(Role.AUDITOR, language="en"), language="en")
    ana, ben = make_person(Role.SUPPORT), make_person(Role.SUPPORT)
    event = make_event(ana.pk, ben.pk)
    _deliver()
    failed = _deliver(error="550 No such box", is_final=True)

    page = _read(client, f"/told/{event.pk}/")

    assert page.index("550 No such box") < page.index("handed over", page.index("Everybody who was told"))
    assert f"<b>{ana.get_full_name()}</b>" in page
    assert f"<b>{ben.get_full_name()}</b>" in page
    assert failed.reader.email not in page
    assert "Send again" not in page


@pytest.mark.parametrize("role", Role)
def test_told__addresses_and_another_try__are_an_admins(role: Role) -> None:
    reader = make_person(Role.SUPPORT)
    event = make_event(reader.pk)
    failed = _deliver(error="550 No such box", is_final=True)
    client = sign_in_as(make_person(role, language="en"), language="en")

    page = _read(client, f"/told/{event.pk}/")

    assert (reader.email in page, "Send again" in page) == (role is Role.ADMIN, role is Role.ADMIN)
    assert ("550 No such box" in page) is (role in {Role.ADMIN, Role.AUDITOR})
    answer = client.post("/inbox/again/", {"delivery": failed.pk, "event": event.pk})
    failed.refresh_from_db()
    assert failed.status == ("pending" if role is Role.ADMIN else "dead")
    if role is Role.ADMIN:
        assert answer.headers["Location"] == f"/told/{event.pk}/"


def test_told__more_people_than_a_page__are_turned(client: Client) -> None:
    people = [make_person(Role.SUPPORT, email="") for _ in range(DELIVERIES_ON_A_PAGE + 1)]
    event = make_event(*(one.pk for one in people))

    pages = [_read(client, f"/told/{event.pk}/?page={number}") for number in (1, 2)]

    assert [sum(f"<b>{one.get_full_name()}</b>" in page for one in people) for page in pages] == [
        DELIVERIES_ON_A_PAGE,
        1,
    ]


def test_told__to_nobody__says_so(client: Client) -> None:
    event = make_event(audience=Audience(user_ids=frozenset({10**9})))

    assert "Nobody has the role that this is for." in _read(client, f"/told/{event.pk}/")
    assert client.get("/told/999999/").status_code == 404


def test_pages__in_french__say_it(client: Client) -> None:
    reader = make_person(Role.SUPPORT)
    _tell(Outcome.GIVEN_UP, reader)
    french = sign_in_as(make_person(Role.SUPPORT, language="fr"), language="fr")

    page = _read(french)

    assert "Qui a été prévenu de quoi" in page
    assert "abandonné" in page
