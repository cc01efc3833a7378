"""The war room's page: what it shows, what it takes, hostile words and pictures, what is new."""

import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import clock
from core.actors import person
from core.models import User
from core.roles import Role
from incidents.domain.lifecycle import Status
from incidents.domain.tiers import Tier
from incidents.models import Incident, IncidentUpdate
from incidents.transitions import add_note, pin_entry, write_known
from tests.factories.core import make_person
from tests.factories.flags import make_environment, make_site
from tests.factories.incidents import make_incident, make_incident_in
from tests.factories.pictures import draw_picture
from tests.signed_in import sign_in_as

pytestmark = pytest.mark.django_db

ATTACKS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "![x](https://evil.example/track.png)",
    "[x](data:text/html,<script>alert(1)</script>)",
    "<svg/onload=alert(1)>",
    "</div></li></ol><form action=//evil.example>",
)


class Parts(HTMLParser):
    """What of a page a browser would act on."""

    def __init__(self) -> None:
        super().__init__()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.sources: list[str] = []
        self.actions: list[str] = []

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes |= {name for name, _value in attrs}
        for name, kept in (("href", self.links), ("src", self.sources), ("action", self.actions)):
            kept += [value or "" for key, value in attrs if key == name]


@pytest.fixture
def user() -> User:
    return make_person(Role.SUPPORT, language="en")


@pytest.fixture
def client(user: User) -> Client:
    return sign_in_as(user, language="en")


@pytest.fixture
def incident() -> Incident:
    site = make_site(phone="+33 4 72 00 00 00")
    return make_incident(make_environment(), now=clock.now(), site_keys=[site.key])


def _read(client: Client, path: str) -> str:
    page = client.get(path)
    assert page.status_code == 200
    return page.content.decode()


def test_room__just_opened__says_when_the_first_word_is_due_and_whom_to_call(
    client: Client, incident: Incident
) -> None:
    page = _read(client, f"/incidents/{incident.pk}/")

    assert "until the first public word" in page
    assert 'href="tel:+33472000000"' in page
    assert "UTC" in page
    assert page.index("left to restore") < page.index("What is known now") < page.index('id="timeline"')


def test_note__posted_with_a_picture__is_shown_as_markdown_with_the_picture_for_who_may_view(
    client: Client, incident: Incident
) -> None:
    answer = client.post(
        f"/incidents/{incident.pk}/note/picture/",
        {
            "note": "**Lyon** again",
            "picture": SimpleUploadedFile("till.png", draw_picture(), "image/png"),
            "picture_alt": "The red screen",
        },
    )

    assert answer.status_code == 302
    page = _read(client, f"/incidents/{incident.pk}/")
    assert "<strong>Lyon</strong> again" in page
    assert 'alt="The red screen"' in page
    path = f"/pictures/{incident.timeline.get(code='note').picture_id}.webp"
    shown = client.get(path)
    assert (shown["Content-Type"], shown["X-Content-Type-Options"]) == ("image/webp", "nosniff")
    assert Client().get(path).status_code == 302


@pytest.mark.parametrize(
    "sent",
    [
        {"note": " "},
        {"note": "Kept words", "picture": "svg"},
        {"note": "Kept words", "picture": "untold"},
        {"note": "Kept words", "corrects": "999999"},
    ],
)
def test_note__wrong__is_refused_and_keeps_what_was_typed(
    client: Client, incident: Incident, sent: dict[str, str]
) -> None:
    content = {"svg": b"<svg onload=alert(1)/>", "untold": draw_picture()}.get(sent.get("picture", ""))
    files = {"picture": SimpleUploadedFile("x.png", content, "image/png")} if content else {}
    told = {"picture_alt": "x"} if sent.get("picture") == "svg" else {}

    answer = client.post(f"/incidents/{incident.pk}/note/picture/", {**sent, **told, **files})

    assert answer.status_code == 400
    assert "errorlist" in answer.content.decode()
    assert ("Kept words" in answer.content.decode()) is ("Kept" in sent["note"])
    assert incident.timeline.count() == 1


@pytest.mark.parametrize("attack", ATTACKS)
def test_room__hostile_words_everywhere__are_harmless(
    client: Client, user: User, incident: Incident, attack: str
) -> None:
    by: dict[str, Any] = {"incident_id": incident.pk, "actor": person(user), "now": clock.now()}
    note = add_note(note=attack, picture=draw_picture(), picture_alt=f'"{attack}', **by)
    add_note(note=attack, corrects=note.pk, **by)
    write_known(text=attack, **by)
    pin_entry(incident_id=incident.pk, entry_id=note.pk, actor=person(user), now=clock.now())
    client.post(f"/incidents/{incident.pk}/word/", _word(text_fr=attack, text_en=attack, seen="0"))

    for path in ("", "known/", "word/", f"note/picture/?corrects={note.pk}", "news/?since=0"):
        page = _read(client, f"/incidents/{incident.pk}/{path}")
        parts = Parts()
        parts.feed(page)
        assert [name for name in parts.attributes if name.startswith("on")] == []
        assert [link for link in parts.links if link.startswith(("javascript:", "data:"))] == []
        assert [link for link in parts.sources if "evil" in link] == []
        assert all(action.startswith("/") and not action.startswith("//") for action in parts.actions)
        assert "<script>" not in page


def _word(**given: str) -> dict[str, str]:
    sound = {"status": "investigating", "text_fr": "Caisse fermée", "text_en": "Till closed", "ahead": "20"}
    return sound | given


def test_word__recorded__stops_the_waiting_and_a_second_one_is_told(client: Client, incident: Incident) -> None:
    path = f"/incidents/{incident.pk}/word/"

    assert client.post(path, _word(seen="0")).status_code == 302
    late = client.post(path, _word(seen="0", text_en="Mine"))

    assert late.status_code == 400
    assert "Somebody else told the public meanwhile" in late.content.decode()
    assert "Mine" in late.content.decode()
    update = IncidentUpdate.objects.get()
    assert update.next_at == update.at + timedelta(minutes=20)
    assert "until the next public word" in _read(client, f"/incidents/{incident.pk}/")


def test_word_and_known__forms__show_no_hidden_field_and_promise_no_more_than_is_borne(
    client: Client, incident: Incident
) -> None:
    minor = make_incident(incident.environment, tier=Tier.MINOR, now=clock.now())

    for path in ("word", "known"):
        page = _read(client, f"/incidents/{incident.pk}/{path}/")
        assert page.count('name="seen"') == 1
        assert "Seen" not in page
    assert "in 8 hours" not in _read(client, f"/incidents/{incident.pk}/word/")
    assert "in 8 hours" in _read(client, f"/incidents/{minor.pk}/word/")


def test_room__merged__offers_a_note_and_nothing_that_would_be_refused(client: Client) -> None:
    incident = make_incident_in(Status.MERGED)

    page = _read(client, f"/incidents/{incident.pk}/")

    assert "Add the note" in page
    for gone in ('data-key="w"', 'id="write-known"', 'name="tick"', "Still missing", "Write the post-mortem"):
        assert gone not in page


def test_tick_and_pin__posted__are_done_and_taken_back(client: Client, incident: Incident) -> None:
    path, entry = f"/incidents/{incident.pk}/", incident.timeline.get()

    assert client.post(f"{path}tick/", {"tick": "call_shops"}).status_code == 302
    assert client.post(f"{path}pin/", {"pin": str(entry.pk)}).status_code == 302
    page = _read(client, path)
    assert 'name="untick"' in page
    assert 'name="unpin"' in page
    client.post(f"{path}tick/", {"untick": "call_shops"})
    client.post(f"{path}pin/", {"unpin": str(entry.pk)})
    assert 'name="untick"' not in _read(client, path)
    assert client.post(f"{path}tick/", {"tick": "restored"}).status_code == 400
    assert client.post(f"{path}pin/", {"pin": "999999"}).status_code == 400


def test_news__since_the_last_line__brings_what_came_and_reads_on(
    client: Client, user: User, incident: Incident
) -> None:
    seen = incident.timeline.get().pk
    path = f"/incidents/{incident.pk}/news/"
    assert client.get(f"{path}?since={seen}").status_code == 204

    note = add_note(incident_id=incident.pk, note="Paper", actor=person(user), now=clock.now())
    news = _read(client, f"{path}?since={seen}")

    assert f'id="entry-{note.pk}"' in news
    assert f"since={note.pk}" in news
    assert 'hx-swap-oob="afterbegin:#entries"' in news
    right = add_note(incident_id=incident.pk, note="Ink", corrects=note.pk, actor=person(user), now=clock.now())
    assert "Put right by a following note" in _read(client, f"{path}?since={right.pk - 1}")
    assert client.get(f"{path}?since={seen}&show=automatic").status_code == 204


def test_timeline__long__comes_in_pages_by_key_and_filters(client: Client, user: User, incident: Incident) -> None:
    for number in range(60):
        add_note(incident_id=incident.pk, note=f"note-{number}.", actor=person(user), now=clock.now())
    path = f"/incidents/{incident.pk}/"

    first = _read(client, path)
    older = re.search(r'href="(\?show=all[^"]*before=[^"#]+)', first)
    assert older is not None
    rest = _read(client, path + older[1].replace("&amp;", "&"))

    numbers = re.findall(r'id="entry-(\d+)"', first + rest)
    assert len(numbers) == len(set(numbers)) == 61
    assert 'id="entry-' not in _read(client, f"{path}?show=automatic")
    assert 'id="entry-' in _read(client, f"{path}?show=nonsense&before=soon&number=x")


def test_room__two_and_twenty_lines__take_the_same_queries(client: Client, user: User, incident: Incident) -> None:
    counts = []
    for number in (2, 18):
        for _ in range(number):
            by: dict[str, Any] = {"incident_id": incident.pk, "actor": person(user), "now": clock.now()}
            note = add_note(note="x", picture=draw_picture(), picture_alt="x", **by)
            add_note(note="y", corrects=note.pk, **by)
            write_known(text="z", **by)
        pin_entry(entry_id=note.pk, **by)
        pair = []
        for path in ("", "news/?since=0"):
            with CaptureQueriesContext(connection) as queries:
                _read(client, f"/incidents/{incident.pk}/{path}")
            pair.append(len(queries))
        counts.append(pair)

    assert counts[0] == counts[1]


def test_auditor__reads_all_and_changes_nothing(incident: Incident) -> None:
    client = sign_in_as(make_person(Role.AUDITOR), language="en")

    page = _read(client, f"/incidents/{incident.pk}/")

    assert 'form="pin"' not in page
    assert 'form="tick"' not in page
    for path in ("note/picture/", "pin/", "known/", "word/", "tick/"):
        assert client.post(f"/incidents/{incident.pk}/{path}", {}).status_code == 403
