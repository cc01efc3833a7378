"""Who asks for somebody's address: how often, what it changes, and how long it is kept."""

from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client

from notifications.contact_links import CONFIRM_WITHIN, read_confirm_link
from notifications.contact_models import Contact, ContactKind, ContactStatus
from notifications.contact_transitions import confirm_contact
from notifications.models import Delivery, Event
from notifications.subscribing import MOST_A_DAY, forget_unconfirmed, subscribe, tell_subscribers
from notifications.tasks import deliver_bulk
from statuspage.subscription_views import MOST_AN_HOUR
from tests.factories.core import NOW
from tests.notifications.mail_server import Server, read_link

pytestmark = pytest.mark.django_db
PATH = "/status/subscribe/"
ADDRESS = "marie@example.org"


@pytest.fixture(autouse=True)
def _clock() -> Iterator[time_machine.Traveller]:
    cache.clear()
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def _ask(*topics: str, language: str = "fr", after: timedelta = timedelta()) -> Contact:
    subscribe(
        kind=ContactKind.EMAIL,
        address=ADDRESS,
        language=language,
        topics=topics,
        now=NOW + after,
        page={"fr": "État des services", "en": "Service status"},
        url="/status/",
    )
    return Contact.objects.get()


def test_ask__by_an_active_one_for_something_else__changes_it_by_the_mails_link_alone(
    server: Server, client: Client, _clock: time_machine.Traveller
) -> None:
    contact = _ask()
    confirm_contact(contact_id=contact.pk, now=NOW)
    _clock.shift(timedelta(hours=1))
    changed = _ask("7", language="en", after=timedelta(hours=1))
    assert (changed.status, changed.topics, changed.language) == (ContactStatus.ACTIVE, [], "fr")
    deliver_bulk()

    link = read_link(server, "/subscription/confirm/")
    assert client.get(link).status_code == 200
    assert Contact.objects.get().topics == []
    assert client.post(link).status_code == 200

    changed.refresh_from_db()
    assert (changed.status, changed.topics, changed.language) == (ContactStatus.ACTIVE, ["7"], "en")


@pytest.mark.parametrize(
    ("query", "browser", "words"),
    [
        ("", "en-GB", "Be told"),
        ("", "fr-FR", "Être prévenu"),
        ("?lang=fr", "en-GB", "Être prévenu"),
        ("", "de", "Être"),
    ],
)
def test_page__of_subscribing__is_read_in_the_browsers_language_unless_another_was_chosen(
    client: Client, query: str, browser: str, words: str
) -> None:
    page = client.get(f"/status/subscribe/{query}", headers={"accept-language": browser})

    assert words in page.content.decode()
    assert page["Content-Language"] == ("en" if browser == "en-GB" and not query else "fr")


def test_ask__all_day_long__sends_few_mails() -> None:
    for hour in range(20):
        _ask(after=timedelta(hours=hour))

    assert Event.objects.filter(kind="subscription_confirm").count() == MOST_A_DAY


@pytest.mark.parametrize("network", ["192.0.2.7", "2001:db8::7"])
def test_ask__from_one_place__is_counted_for_the_hour_however_it_pauses(
    client: Client, network: str, _clock: time_machine.Traveller
) -> None:
    answers = []
    for number in range(MOST_AN_HOUR + 1):
        caller = network if ":" not in network else f"2001:db8::{number + 1:x}"
        answers.append(client.post(PATH, {"address": f"u{number}@example.org"}, REMOTE_ADDR=caller).status_code)
        _clock.shift(timedelta(seconds=1))
    _clock.shift(timedelta(seconds=400))
    answers.append(client.post(PATH, {"address": "last@example.org"}, REMOTE_ADDR=network).status_code)

    assert answers == [200] * MOST_AN_HOUR + [429, 429]


def test_ask__too_long_an_address__is_said_beside_the_form(client: Client) -> None:
    assert client.post(PATH, {"address": "a" * 245 + "@example.com"}).status_code == 400
    assert not Contact.objects.exists()


def test_mail_and_page__that_ask_to_confirm__name_the_status_page(server: Server, client: Client) -> None:
    _ask(language="en")
    deliver_bulk()

    mail = message_from_bytes(server.taken[-1].content, policy=policy.default)
    page = client.get(read_link(server, "/subscription/confirm/")).content.decode()

    assert mail["Subject"] == "Service status: confirm that you want to be told"
    body = mail.get_body(("plain",))
    assert body is not None
    assert "Confirm here — http" in body.get_content()
    assert "Open in the portal" not in body.get_content()
    assert "Service status" in page
    assert 'href="/status/"' in page


def test_forget__nobody_confirmed__leaves_nothing_of_the_address() -> None:
    _ask()

    assert forget_unconfirmed(now=NOW + CONFIRM_WITHIN) == 0
    assert forget_unconfirmed(now=NOW + CONFIRM_WITHIN + timedelta(seconds=1)) == 1

    assert not Contact.objects.exists()
    assert not Delivery.objects.exists()
    event = Event.objects.get()
    assert event.data.keys() == {"language", "topics", "page"}
    assert ADDRESS not in str(event.data) + event.dedupe_key


def test_forget__who_was_told_before__is_ended_and_stays_in_the_ledger() -> None:
    contact = _ask()
    confirm_contact(contact_id=contact.pk, now=NOW)
    tell_subscribers(kind="status_update", data={}, topics=[], dedupe_key="once", url="/status/", now=NOW)
    Contact.objects.update(status=ContactStatus.PENDING)

    forget_unconfirmed(now=NOW + timedelta(days=3))

    contact.refresh_from_db()
    assert (contact.status, contact.email) == (ContactStatus.ENDED, "")
    assert Delivery.objects.filter(event__kind="status_update").count() == 1


def test_link__of_before__confirms_as_it_stands() -> None:
    assert read_confirm_link("forged") is None
