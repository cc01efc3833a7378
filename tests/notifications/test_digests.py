"""Digests on a real database and through a real mail server: each person's morning, once, and only with something."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection, connections
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from core.actors import DEMO
from core.models import User
from core.people import deactivate_person
from core.roles import Role
from notifications import due
from notifications.digests import send_due_digests
from notifications.domain.audience import Audience
from notifications.domain.due import DueItem
from notifications.domain.mail_modes import MailMode
from notifications.labels import say_body, say_subject
from notifications.models import Channel, Delivery, DigestState, Event, HeldMessage
from notifications.personal_transitions import set_personal_settings
from notifications.tasks import deliver
from notifications.transitions import mark_read
from tests.factories.core import make_person
from tests.factories.notifications import make_event
from tests.notifications.mail_server import Server

pytestmark = pytest.mark.django_db

#: A Wednesday, 08:00 in Paris.
MORNING = datetime(2026, 11, 4, 7, tzinfo=UTC)
YESTERDAY = date(2026, 11, 3)


@pytest.fixture
def items(monkeypatch: pytest.MonkeyPatch) -> list[DueItem]:
    """What one source, the only one, has to say."""
    found: list[DueItem] = []
    monkeypatch.setattr(due, "_SOURCES", {})
    due.register("things", "Thing", lambda *, now, until: list(found))
    return found


def _reader(role: Role = Role.SUPPORT, **given: Any) -> User:
    reader = make_person(role, **({"language": "en"} | given))
    DigestState.objects.create(user=reader, last_on=YESTERDAY)
    return reader


def _choose(user: User, **given: Any) -> None:
    wanted: dict[str, Any] = {
        "language": user.language,
        "time_zone": "",
        "digest_is_on": True,
        "digest_hour": 8,
        "digest_weekdays": [1, 2, 3, 4, 5],
        "modes": {},
        "now": MORNING - timedelta(hours=12),
    }
    set_personal_settings(user_id=user.pk, **(wanted | given))


def _item(user: User, **given: Any) -> DueItem:
    wanted: dict[str, Any] = {
        "words": "Mend the till",
        "due": date(2026, 11, 4),
        "url": "/incidents/7/",
        "audience": Audience(user_ids=frozenset({user.pk})),
    }
    return DueItem(**(wanted | given))


def _digests(user: User) -> list[Event]:
    rows = Event.objects.filter(kind="daily_digest", deliveries__recipient=user, deliveries__channel=Channel.INBOX)
    return list(rows.order_by("pk"))


def test_digest__morning__one_mail_and_one_message_grouped_with_links(items: list[DueItem], server: Server) -> None:
    reader = _reader()
    items += [
        _item(reader, words="Long ago", due=date(2026, 10, 1), url="/one/"),
        _item(reader, words="To be done <b>now</b>", url="/two/"),
        _item(reader, words="Soon", due=MORNING + timedelta(days=2, minutes=30), url="/three/"),
        _item(reader, words="Far away", due=date(2026, 12, 24), url="/four/"),
    ]

    with override_settings(PUBLIC_URL="https://portal.example.org"):
        assert send_due_digests(now=MORNING) == 1
        assert deliver() == 1

    [event] = _digests(reader)
    assert say_subject(event) == "Your day, Wed 4 Nov 2026: 1 overdue, 1 today, 1 within a week"
    [envelope] = server.taken
    mail = message_from_bytes(envelope.content, policy=policy.default)
    text, page = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))  # type: ignore[union-attr]  # both are there
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    start = lines.index("▲ Overdue")
    assert lines[start : start + 12] == [
        *("▲ Overdue", "Long ago", "Thu 1 Oct · Thing", "https://portal.example.org/one/"),
        *("● Today", "To be done <b>now</b>", "Wed 4 Nov · Thing", "https://portal.example.org/two/"),
        *("○ Within a week", "Soon", "Fri 6 Nov, 08:30 · Thing", "https://portal.example.org/three/"),
    ]
    assert "https://portal.example.org/account/notifications/" in text
    assert '<a href="https://portal.example.org/one/">Long ago</a>' in page
    assert "&lt;b&gt;now" in page
    assert "Far away" not in text + page


def test_digest__asked_again_and_again__is_sent_once_a_day(items: list[DueItem]) -> None:
    reader = _reader()
    items.append(_item(reader, due=date(2026, 11, 1)))

    sent = [send_due_digests(now=MORNING + timedelta(minutes=30 * step)) for step in range(48 * 3)]

    assert sum(sent) == 3
    assert [event.data["day"] for event in _digests(reader)] == ["2026-11-04", "2026-11-05", "2026-11-06"]


def test_digest__nothing_due__is_not_sent_and_not_made_up_for_later_that_day(items: list[DueItem]) -> None:
    reader = _reader()

    assert send_due_digests(now=MORNING) == 0
    items.append(_item(reader))
    assert send_due_digests(now=MORNING + timedelta(hours=3)) == 0

    assert _digests(reader) == []


def test_digest__only_what_is_far_away__is_not_sent(items: list[DueItem]) -> None:
    reader = _reader()
    items.append(_item(reader, due=date(2026, 11, 25)))

    assert send_due_digests(now=MORNING) == 0


def test_digest__two_zones__each_at_their_own_morning_and_day(items: list[DueItem]) -> None:
    here, there = _reader(), _reader()
    _choose(there, time_zone="Indian/Reunion", digest_hour=7)
    items += [_item(here), _item(there, due=datetime(2026, 11, 4, 21, tzinfo=UTC))]

    before = send_due_digests(now=datetime(2026, 11, 4, 2, 59, tzinfo=UTC))
    first = send_due_digests(now=datetime(2026, 11, 4, 3, tzinfo=UTC))

    assert (before, first, send_due_digests(now=MORNING)) == (0, 1, 1)
    # 21:00 in London is one in the morning on Réunion: tomorrow.
    [event] = _digests(there)
    assert (event.data["today"], event.data["soon"]) == (0, 1)


def test_digest__reader_of_french__reads_french(items: list[DueItem], server: Server) -> None:
    reader = _reader(language="fr")
    items.append(_item(reader))

    send_due_digests(now=MORNING)
    deliver()

    mail = message_from_bytes(server.taken[0].content, policy=policy.default)
    assert "aujourd’hui" in mail["subject"]
    assert "● Aujourd’hui" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]  # it is there


@pytest.mark.parametrize(
    "given", [{"digest_is_on": False}, {"digest_weekdays": [6, 7]}, {"digest_hour": 9}, {"time_zone": "Asia/Tokyo"}]
)
def test_digest__not_wanted_now__is_not_sent(items: list[DueItem], given: dict[str, Any]) -> None:
    reader = _reader()
    _choose(reader, **given)
    items.append(_item(reader))
    # It is four in the afternoon in Tokyo: that day's was looked at in the morning.
    DigestState.objects.filter(user=reader).update(last_on=date(2026, 11, 4) if "time_zone" in given else YESTERDAY)

    assert send_due_digests(now=MORNING) == 0


def test_digest__settings_change_on_that_day__still_one(items: list[DueItem]) -> None:
    reader = _reader()
    items.append(_item(reader))

    sent = send_due_digests(now=MORNING)
    _choose(reader, digest_hour=11, time_zone="America/New_York", now=MORNING + timedelta(hours=1))
    later = [send_due_digests(now=MORNING + timedelta(hours=hours)) for hours in range(2, 17)]

    assert (sent, sum(later)) == (1, 0)


def test_digest__person_left__gets_none(items: list[DueItem]) -> None:
    reader, other = _reader(), _reader(Role.RELEASE_MANAGER)
    items.append(_item(reader))
    deactivate_person(user_id=reader.pk, actor=DEMO, reason="left", now=MORNING)

    assert send_due_digests(now=MORNING) == 1

    assert _digests(reader) == []
    assert len(_digests(other)) == 1


def test_digest__new_person__begins_the_next_morning(items: list[DueItem]) -> None:
    reader = make_person(Role.SUPPORT)
    items.append(_item(reader, due=date(2026, 11, 1)))

    first = [send_due_digests(now=MORNING + timedelta(minutes=minutes)) for minutes in range(0, 600, 60)]

    assert sum(first) == 0
    assert send_due_digests(now=MORNING + timedelta(days=1)) == 1


def test_digest__one_source_fails__the_others_are_told(items: list[DueItem], caplog: pytest.LogCaptureFixture) -> None:
    reader = _reader()
    items.append(_item(reader))

    def fail(**_given: Any) -> Iterator[DueItem]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")
        yield from ()

    due.register("broken", "Broken", fail)

    assert send_due_digests(now=MORNING) == 1
    assert "what is due of broken" in caplog.text


def test_digest__many_people__asks_each_source_once(items: list[DueItem]) -> None:
    asked = []

    def count(*, now: datetime, until: datetime) -> list[DueItem]:
        asked.append(now)
        return []

    due.register("counted", "Counted", count)
    first = _reader()
    items.append(_item(first, audience=Audience(frozenset({Role.SUPPORT}))))
    for _ in range(7):
        _reader()

    with CaptureQueriesContext(
        connection,
    ) as eight:
        assert send_due_digests(now=MORNING) == 8
    assert len(asked) == 1

    with CaptureQueriesContext(connection) as none:
        send_due_digests(now=MORNING + timedelta(minutes=1))
    assert len(none) <= 5
    # What grows with people is their own transaction alone.
    assert len(eight) <= 10 + 8 * 14


@pytest.mark.django_db(transaction=True)
def test_digest__two_workers_at_once__one_is_sent(items: list[DueItem]) -> None:
    reader = _reader()
    items.append(_item(reader))
    barrier, sent = Barrier(2), []

    def work() -> None:
        try:
            barrier.wait(timeout=30)
            sent.append(send_due_digests(now=MORNING))
        finally:
            connections.close_all()

    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert sorted(sent) == [0, 1]
    assert Delivery.objects.filter(recipient=reader, channel=Channel.EMAIL).count() == 1


def test_held__group_in_the_digest__waits_for_it_and_is_told_there_once(items: list[DueItem], server: Server) -> None:
    reader = _reader()
    _choose(reader, modes={"progress": MailMode.DIGEST})
    event = make_event(reader.pk, now=MORNING - timedelta(hours=2))

    assert deliver() == 0
    assert send_due_digests(now=MORNING) == 1
    assert deliver() == 1
    assert send_due_digests(now=MORNING + timedelta(days=1)) == 0

    [digest] = _digests(reader)
    assert digest.data["messages"] == 1
    assert "1 messages" in say_body(digest)
    assert say_subject(event) in server.taken[0].content.decode()
    assert HeldMessage.objects.get().digest_id == digest.pk


def test_held__read_in_the_inbox_meanwhile__is_not_told_again(items: list[DueItem]) -> None:
    reader = _reader()
    _choose(reader, modes={"progress": MailMode.DIGEST})
    make_event(reader.pk, now=MORNING - timedelta(hours=2))
    mark_read(user_id=reader.pk, up_to=10**9, now=MORNING - timedelta(hours=1))

    assert send_due_digests(now=MORNING) == 0

    held = HeldMessage.objects.get()
    assert (held.digest_id, held.settled_at) == (None, MORNING)


def test_held__digest_given_up__waits_no_more_and_the_next_comes_at_once(items: list[DueItem]) -> None:
    reader = _reader()
    _choose(reader, modes={"progress": MailMode.DIGEST})
    make_event(reader.pk, now=MORNING)
    _choose(reader, modes={"progress": MailMode.DIGEST}, digest_is_on=False)
    make_event(reader.pk, now=MORNING)

    assert HeldMessage.objects.get().settled_at is not None
    assert Delivery.objects.filter(recipient=reader, channel=Channel.EMAIL).count() == 1


@pytest.mark.parametrize(
    ("mode", "kind", "channels"),
    [
        (MailMode.NEVER, "phase_started", ["inbox"]),
        (MailMode.DIGEST, "phase_started", ["inbox"]),
        (MailMode.AT_ONCE, "phase_started", ["email", "inbox"]),
        (MailMode.NEVER, "rollout_rolled_back", ["email", "inbox"]),
        (MailMode.DIGEST, "incident_opened", ["email", "inbox"]),
        (MailMode.AT_ONCE, "measure_due", ["inbox"]),
    ],
)
def test_publish__by_what_its_reader_chose__mails_or_not(mode: MailMode, kind: str, channels: list[str]) -> None:
    reader, other = _reader(), _reader()
    _choose(reader, modes={"progress": mode, "rollbacks": mode, "incidents": mode})

    event = make_event(reader.pk, other.pk, kind=kind)

    mine = Delivery.objects.filter(event=event, recipient=reader).order_by("channel")
    assert list(mine.values_list("channel", flat=True)) == channels
    # Another's choice is no business of this reader's.
    assert Delivery.objects.filter(event=event, recipient=other, channel=Channel.INBOX).exists()
