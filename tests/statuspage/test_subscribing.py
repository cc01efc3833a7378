"""Who reads the page asks to be told, confirms, and hears each public word once."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client

from core.actors import person
from core.roles import Role
from incidents.domain.words import WordStatus
from incidents.transitions import say_word
from notifications.contact_models import Contact, ContactKind, ContactStatus
from notifications.models import Event
from notifications.tasks import deliver_bulk
from statuspage.subscription_views import MOST_AN_HOUR
from statuspage.telling import tell_readers
from tests.factories.core import NOW, make_person
from tests.factories.flags import make_environment
from tests.factories.incidents import make_incident
from tests.factories.statuspage import open_page
from tests.notifications.mail_server import Server

pytestmark = pytest.mark.django_db
PATH = "/status/subscribe/"


@pytest.fixture(autouse=True)
def _clock() -> Iterator[time_machine.Traveller]:
    cache.clear()
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def _read(server: Server) -> str:
    return "".join(server.taken[-1].content.decode().replace("=\r\n", "").split("\r\n"))


def test_subscribe__confirmed_by_the_link_in_the_mail__is_told_each_public_word_once(
    client: Client, server: Server, _clock: time_machine.Traveller
) -> None:
    environment = make_environment()
    open_page(environment)
    answer = client.post(PATH, {"address": "marie@example.org"})
    assert "route" in answer.content.decode()
    assert deliver_bulk() == 1
    link = re.search(r"/subscription/confirm/[^/\s]+/", _read(server))
    assert link
    assert "subscription/confirm" not in str(Event.objects.values_list("data", "url"))

    incident = make_incident(environment=environment, detected_at=NOW)
    speaker = person(make_person(Role.RELEASE_MANAGER))
    word: dict[str, Any] = {"text_fr": "Nous cherchons.", "text_en": "We are looking.", "actor": speaker}
    say_word(incident_id=incident.pk, status=WordStatus.INVESTIGATING, now=NOW, **word)
    assert tell_readers(now=NOW) == 0, "not confirmed"
    assert client.post(link[0]).status_code == 200

    assert tell_readers(now=NOW) == 1
    assert tell_readers(now=NOW) == 0
    _clock.shift(timedelta(minutes=1))
    assert deliver_bulk() == 1
    assert "Nous cherchons." in _read(server)
    assert server.taken[-1].rcpt_tos == ["marie@example.org"]


def test_subscribe__to_one_component__keeps_that_choice(client: Client) -> None:
    chosen = open_page(make_environment())

    assert client.post(PATH, {"address": "https://program.example/hook", "topics": [chosen.pk]}).status_code == 200

    contact = Contact.objects.get()
    assert (contact.kind, contact.status, contact.topics) == (
        ContactKind.WEBHOOK,
        ContactStatus.PENDING,
        [str(chosen.pk)],
    )


@pytest.mark.parametrize("address", ["", "marie", "https://", "javascript:alert(1)", "x" * 2_000])
def test_subscribe__no_address__is_said_beside_the_form(client: Client, address: str) -> None:
    assert client.post(PATH, {"address": address}).status_code == 400
    assert not Contact.objects.exists()


def test_subscribe__again_and_again__sends_one_mail_in_a_while_and_then_refuses(client: Client) -> None:
    for _ in range(MOST_AN_HOUR):
        assert client.post(PATH, {"address": "marie@example.org"}).status_code == 200

    assert client.post(PATH, {"address": "marie@example.org"}).status_code == 429
    assert Event.objects.filter(kind="subscription_confirm").count() == 1


def test_subscribe__in_english__is_all_english(client: Client) -> None:
    page = client.get(f"{PATH}?lang=en")

    assert page.headers["Content-Language"] == "en"
    assert "Be told of it" in page.content.decode()
