"""Mails: in the reader's language, through a real SMTP conversation that goes well or does not."""

import re
import socket
from contextlib import closing
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.utils import translation
from django.utils.translation import gettext

from core.actors import DEMO
from core.people import change_person, deactivate_person
from core.reasons import write_reason
from core.roles import Role
from notifications.courier import compose
from notifications.labels import GROUPS, list_facts, say_body, say_next, say_subject
from notifications.models import Channel, Delivery, DeliveryStatus, Event
from notifications.tasks import deliver
from notifications.words import UNKNOWN, WORDS
from tests.factories.core import NOW, make_person
from tests.factories.notifications import make_event
from tests.hostile.feeding import OURS
from tests.notifications.mail_server import Server, smtp

DATA: dict[str, Any] = {
    "source": "Prometheus",
    "target": "Caisse",
    "version": "1.3.0",
    "rows": 27,
    "by": "Mia",
    "before": 4.2,
    "after": 0.3,
    "release": "1.3",
    "environment": "prod",
    "flags": ["buttons", "tickets"],
    "flag": "buttons",
    "audience": "everyone",
    "phase": "per_site",
    "reason": "Wrong prices",
    "count": 11,
    "limit": 10,
    "deadline": "2026-11-04T12:00+00:00",
    "due": "2026-11-04T12:00+00:00",
    "due_on": "2026-11-04",
    "number": 7,
    "tier": "critical",
    "title": "Prices are wrong",
    "name": "Price buttons",
    "owner": "Till team",
    "percent": 80,
    "attempts": 8,
    "error": "KeyError",
    "reader": "mia",
    "day": "2026-11-04",
    "links": 12,
    "rating": 3.5,
    "pilots": 3,
    "complaints": 2,
    "passing": ["buttons"],
    "open": ["tickets"],
    "head": "abc",
    "people": 4,
    "person": "Mia",
    "text_fr": "La caisse ne s’ouvre pas",
    "text_en": "The till does not open",
    "left": 720,
    "late": 7_200,
    "channel": "#releases",
    "overdue": 1,
    "today": 2,
    "soon": 3,
    "messages": 4,
    "zone": "Europe/Paris",
    "sections": [{"code": "today", "rows": [{"title": "T", "at": "2026-11-04", "url": "/", "source": ""}], "more": 0}],
    "announced_title": {"fr": "Maintenance ce soir", "en": "Maintenance tonight"},
    "announced_text": {"fr": "La caisse s’arrête.", "en": "The till stops."},
    "announced_note": {"fr": "L’heure", "en": "The hour"},
    "hotline": "01 23 45 67 89",
    "next_update": "2026-11-04T12:00+00:00",
    "outlet": "Till",
}

CALL = re.compile(r"\b(?:publish|tell|tell_subscribers)\(")
KIND = re.compile(r'kind="(\w+)"')


def _mail() -> Delivery:
    return Delivery.objects.get(channel=Channel.EMAIL)


@pytest.mark.django_db
def test_deliver__real_server__takes_the_mail(server: Server) -> None:
    reader = make_person(Role.SUPPORT, language="fr")
    make_event(reader.pk)

    assert deliver() == 1

    envelope = server.taken[0]
    assert envelope.rcpt_tos == [reader.email]
    assert f"<delivery-{_mail().pk}@release-portal>" in envelope.content.decode()
    assert _mail().status == DeliveryStatus.SENT


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ({"to_recipient": "450 4.2.1 Box is busy"}, DeliveryStatus.PENDING),
        ({"to_recipient": "550 5.1.1 No such box"}, DeliveryStatus.DEAD),
        ({"to_data": "451 4.3.0 Try later"}, DeliveryStatus.PENDING),
        ({"to_data": "554 5.7.1 Rejected"}, DeliveryStatus.DEAD),
    ],
)
def test_deliver__server_refuses__is_tried_again_only_where_that_can_help(
    server: Server, answers: dict[str, str], status: str
) -> None:
    for name, answer in answers.items():
        setattr(server, name, answer)
    make_event(make_person(Role.SUPPORT).pk)

    assert deliver() == 0

    delivery = _mail()
    assert delivery.status == status
    assert next(iter(answers.values()))[:3] in delivery.last_error
    assert server.taken == []


@pytest.mark.django_db
def test_deliver__one_box_refuses__the_others_get_their_mail(server: Server) -> None:
    first, second = make_person(Role.SUPPORT), make_person(Role.SUPPORT)
    server.unknown.add(first.email)
    make_event(first.pk, second.pk)

    assert deliver() == 1

    assert server.taken[0].rcpt_tos == [second.email]


@pytest.mark.django_db
def test_deliver__nobody_listens__stops_at_the_first_and_tries_again() -> None:
    make_event(*(make_person(Role.SUPPORT).pk for _ in range(3)))
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    with smtp(port):
        assert deliver() == 0

    mails = Delivery.objects.filter(channel=Channel.EMAIL).order_by("pk")
    assert [one.attempts for one in mails] == [1, 0, 0]
    assert {one.status for one in mails} == {DeliveryStatus.PENDING}
    assert "ConnectionRefusedError" in mails[0].last_error


@pytest.mark.django_db
def test_deliver__server_hangs__is_left_for_now_and_tried_again() -> None:
    make_event(*(make_person(Role.SUPPORT).pk for _ in range(2)))

    with closing(socket.socket()) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with smtp(silent.getsockname()[1], EMAIL_TIMEOUT=0.2):
            assert deliver() == 0

    mails = Delivery.objects.filter(channel=Channel.EMAIL).order_by("pk")
    assert [(one.status, one.attempts) for one in mails] == [(DeliveryStatus.PENDING, 1), (DeliveryStatus.PENDING, 0)]
    assert "timed out" in mails[0].last_error


@pytest.mark.django_db(transaction=True)
def test_deliver__while_sending__no_transaction_is_open(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    open_while_sending: list[bool] = []
    monkeypatch.setattr(
        "notifications.tasks.send_email", lambda _mails: open_while_sending.append(connection.in_atomic_block)
    )
    make_event(make_person(Role.SUPPORT).pk)

    assert deliver() == 1
    assert open_while_sending == [False]


@pytest.mark.django_db
def test_deliver__reader_left_since__gets_nothing_and_alarms_nobody(server: Server) -> None:
    make_person(Role.RELEASE_MANAGER)
    reader = make_person(Role.SUPPORT)
    make_event(reader.pk)
    deactivate_person(user_id=reader.pk, actor=DEMO, reason="left", now=NOW)

    assert deliver() == 0

    assert server.taken == []
    assert _mail().status == DeliveryStatus.DEAD
    assert not Event.objects.filter(kind="delivery_failed").exists()


@pytest.mark.django_db
def test_deliver__kind_from_another_version__still_arrives(server: Server) -> None:
    make_event(make_person(Role.SUPPORT, language="en").pk, kind="moon_landed", data={"release": "1.3"})

    assert deliver() == 1
    assert "moon_landed" in server.taken[0].content.decode()


@pytest.mark.parametrize("kind", sorted(WORDS))
@pytest.mark.parametrize("language", ["en", "fr"])
def test_words__each_kind__is_whole_in_both_languages(kind: str, language: str) -> None:
    event = Event(kind=kind, data=DATA)

    with translation.override(language):
        subject, body = say_subject(event), say_body(event)
    with translation.override("fr" if language == "en" else "en"):
        other = say_subject(event) + say_body(event)

    assert "—" not in subject + body
    assert "%" not in (subject + body).replace("80 %", "")
    assert "T12:00" not in subject + body
    assert "\n" not in subject
    assert subject + body != other


def test_words__every_kind_that_is_published__has_them() -> None:
    sources = [path.read_text(encoding="utf-8") for app in (*OURS, "releaseportal") for path in Path(app).rglob("*.py")]
    calls = [text[match.end() : match.end() + 200] for text in sources for match in CALL.finditer(text)]
    published = {match[1] for call in calls if (match := KIND.search(call))}

    assert len(published) > 8
    assert published <= set(WORDS)


def test_words__why_the_portal_acted__is_said_from_its_code() -> None:
    by_guardrail = Event(kind="flag_rolled_back", data=DATA | {"reason": write_reason("critical_errors", k=4, n=20)})
    by_gate = Event(kind="rollout_held", data=DATA | {"reason": write_reason("soaking"), "code": "gate"})

    with translation.override("en"):
        assert "4 critical errors in 20 requests" in say_body(by_guardrail)
        assert "The days of the phase have not passed yet" in say_body(by_gate)
        assert "Wrong prices" in say_body(Event(kind="flag_rolled_back", data=DATA))
    with translation.override("fr"):
        assert "4 erreurs critiques" in say_body(by_guardrail)


def test_words__percent_signs_and_lines_in_values__do_no_harm() -> None:
    event = Event(kind="rollout_paused", data={"release": "1.3\nBcc: x@example.org", "reason": "100 % %(x)s"})

    with translation.override("en"):
        assert "\n" not in say_subject(event)
        assert "100 % %(x)s" in say_body(event)
    assert UNKNOWN.subject


def test_words__lines_like_those_of_the_mail__are_set_in() -> None:
    forged = "Lunch\r\n\r\nOpen in the portal — https://evil.test/"
    event = Event(kind="rollout_paused", data={"release": "1.3", "reason": forged})

    with translation.override("en"):
        said = [say_body(event), *(value for _label, value in list_facts(event))]

    assert any("    Open in the portal — https://evil.test/" in one for one in said)
    assert [line for one in said for line in one.splitlines() if line.startswith("Open in the portal")] == []


@pytest.mark.django_db
@override_settings(PUBLIC_URL="https://portal.example.org")
def test_mail__each_reader__in_their_language_with_an_absolute_address() -> None:
    readers = {language: make_person(Role.SUPPORT, language=language) for language in ("en", "fr")}
    make_event(*(one.pk for one in readers.values()), url="/incidents/7/")

    mails = {
        one.reader.language: compose(one)
        for one in Delivery.objects.filter(channel=Channel.EMAIL).select_related("event", "recipient")
    }

    assert mails["en"].subject == "Release 1.3 paused in prod"
    assert mails["fr"].subject != mails["en"].subject
    for language, message in mails.items():
        raw: EmailMessage = message.message()
        assert "https://portal.example.org/incidents/7/" in message.body
        assert raw["Content-Language"] == language
        assert raw["Auto-Submitted"] == "auto-generated"


@pytest.mark.django_db
def test_mail__address_changed_after_the_event__goes_to_the_new_one(server: Server) -> None:
    reader = make_person(Role.SUPPORT)
    make_event(reader.pk)
    change_person(
        user_id=reader.pk,
        full_name="Mia",
        email="new@example.org",
        language="fr",
        phone="",
        actor=DEMO,
        reason="moved",
        now=NOW,
    )

    assert deliver() == 1
    assert server.taken[0].rcpt_tos == ["new@example.org"]


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "fr"])
@override_settings(PUBLIC_URL="https://portal.example.org")
def test_mail__over_smtp__is_text_and_html_and_says_the_same(server: Server, language: str) -> None:
    reason = "<b>Prices</b> & 100 %"
    data = {"release": "1.3", "environment": "prod", "flags": "price_buttons_v1_3", "reason": reason}
    make_event(make_person(Role.SUPPORT, language=language).pk, kind="flag_rolled_back", data=data, url="/rollouts/7/")

    assert deliver() == 1

    mail = message_from_bytes(server.taken[0].content, policy=policy.default)
    assert mail.get_content_type() == "multipart/alternative"
    text, page = (part.get_content() for part in mail.iter_parts())
    with translation.override(language):
        assert str(mail["Subject"]) == say_subject(Event(kind="flag_rolled_back", data=data))
    with translation.override(language):
        assert gettext("Open in the portal") in text
        assert page.count(gettext("Open in the portal")) == 1
        assert say_next(Event(kind="flag_rolled_back", data=data)) in text
    for part in (text, page):
        assert "https://portal.example.org/rollouts/7/" in part
        assert "prod" in part
        assert "price_buttons_v1_3" in part
    assert reason in text
    assert reason not in page
    assert "&lt;b&gt;Prices&lt;/b&gt; &amp; 100 %" in page
    assert 'style="' not in page
    assert "color-scheme" in page
    assert f'<html lang="{language}">' in page


def test_mail__kinds__each_belongs_to_one_group_of_the_inbox() -> None:
    grouped = [kind for _words, kinds in GROUPS.values() for kind in kinds]

    assert sorted(grouped) == sorted(WORDS)
