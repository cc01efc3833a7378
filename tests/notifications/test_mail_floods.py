"""Floods of mails to one person: the first at once, the rest as one, urgent ones without waiting."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.utils import translation

from core import clock
from core.models import User
from core.roles import Role
from notifications.courier import NotSent
from notifications.domain.floods import CALM
from notifications.domain.mail_modes import DIGEST_KIND
from notifications.domain.parcels import FLOOD, MOST_IN_ONE
from notifications.models import Channel, Delivery, DeliveryStatus, Event
from notifications.speaking import say_message
from notifications.tasks import deliver
from notifications.transitions import claim_mails, mark_sent
from notifications.trial_codes import TEST_KIND
from tests.factories.core import NOW, make_person
from tests.factories.notifications import make_event
from tests.signed_in import sign_in_as

pytestmark = pytest.mark.django_db

#: Beyond a flood.
MORE = FLOOD + 3


@pytest.fixture(autouse=True)
def hands() -> Iterator[time_machine.Traveller]:
    """The clock's hands."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def reader() -> User:
    return make_person(Role.SUPPORT, language="en")


_threads = count(1)


def _tell(reader: User, kind: str = "rollout_paused", **given: Any) -> Event:
    """Tell something of a rollout of its own."""
    return make_event(reader.pk, kind=kind, **({"url": f"/rollouts/{next(_threads)}/"} | given))


def _list_mails() -> list[Delivery]:
    return list(Delivery.objects.filter(channel=Channel.EMAIL).order_by("pk"))


def _tell_one_by_one(reader: User, times: int, *, hands: time_machine.Traveller, kind: str = "rollout_paused") -> None:
    for _ in range(times):
        _tell(reader, kind)
        deliver()
        hands.shift(timedelta(seconds=1))


def test_deliver__one_after_the_other__come_at_once_up_to_a_flood_and_then_as_one(
    reader: User, hands: time_machine.Traveller
) -> None:
    _tell_one_by_one(reader, FLOOD + MORE, hands=hands)
    assert len(mail.outbox) == FLOOD

    hands.move_to(NOW + CALM - timedelta(seconds=1))
    assert deliver() == 0
    hands.move_to(NOW + CALM)
    assert deliver() == 1

    one = mail.outbox[-1]
    assert one.subject.startswith(f"{MORE} messages at once: ")
    late = _list_mails()[FLOOD:]
    with translation.override("en"):
        assert all(say_message(row.event, language="en").subject in one.body for row in late)
    assert "/inbox/" in one.body
    assert {row.status for row in late} == {DeliveryStatus.SENT}
    assert [row.sent_with_id for row in late] == [None, *[late[0].pk] * (MORE - 1)]
    assert one.extra_headers["X-Deliveries"] == " ".join(str(row.pk) for row in late)
    assert one.extra_headers["Message-ID"].startswith("<flood-")


def test_deliver__a_few_after_a_flood__come_each_by_itself_when_it_is_calm(
    reader: User, hands: time_machine.Traveller
) -> None:
    _tell_one_by_one(reader, FLOOD + 2, hands=hands)

    hands.move_to(NOW + CALM)
    # The first of the flood is five minutes old: there is room for one, and each second for another.
    assert deliver() == 1
    hands.shift(timedelta(seconds=1))
    assert deliver() == 1

    assert [row.sent_with_id for row in _list_mails()] == [None] * (FLOOD + 2)


def test_deliver__urgent_in_a_flood__does_not_wait(reader: User, hands: time_machine.Traveller) -> None:
    _tell_one_by_one(reader, MORE, hands=hands)
    _tell(reader, "incident_opened")

    assert deliver() == 1
    assert _list_mails()[-1].status == DeliveryStatus.SENT


def test_deliver__urgent_ones_without_end__put_off_no_usual_one(reader: User, hands: time_machine.Traveller) -> None:
    _tell_one_by_one(reader, MORE, hands=hands, kind="incident_opened")
    _tell(reader)

    assert deliver() == 1
    assert _list_mails()[-1].status == DeliveryStatus.SENT


def test_deliver__put_off_and_untrue_by_then__is_replaced_by_what_went_at_once(
    reader: User, hands: time_machine.Traveller
) -> None:
    _tell_one_by_one(reader, FLOOD, hands=hands)
    old, other = _tell(reader, "rollout_resumed", url="/rollouts/7/"), _tell(reader, "rollout_resumed")
    assert deliver() == 0
    _tell(reader, "rollout_held", url="/rollouts/7/")

    assert deliver() == 1

    held = _list_mails()[-1]
    stands = {row.event_id: (row.status, row.replaced_by_id) for row in _list_mails()}
    assert stands[old.pk] == (DeliveryStatus.REPLACED, held.pk)
    assert stands[other.pk] == (DeliveryStatus.PENDING, None)


def test_deliver__after_an_outage__what_waited_comes_as_one_and_the_urgent_before_it(reader: User) -> None:
    for kind in ["rollout_paused"] * FLOOD + ["incident_opened"] * FLOOD:
        _tell(reader, kind)

    assert deliver() == 2

    usual, urgent = _list_mails()[:FLOOD], _list_mails()[FLOOD:]
    assert [len({row.sent_with_id for row in rows}) for rows in (usual, urgent)] == [2, 2]
    assert mail.outbox[0].body.count("▲") == FLOOD
    assert "▲" not in mail.outbox[1].body


def test_deliver__others_in_the_meantime__do_not_wait_for_a_flood(reader: User, hands: time_machine.Traveller) -> None:
    other = make_person(Role.SUPPORT)
    _tell_one_by_one(reader, MORE, hands=hands)
    _tell(other)

    assert deliver() == 1
    assert mail.outbox[-1].to == [other.email]


def test_claim__head_of_history_and_digest__are_mails_of_their_own(reader: User) -> None:
    for kind in ("history_head", DIGEST_KIND, *["rollout_paused"] * FLOOD):
        _tell(reader, kind)

    assert _list_sizes() == [1, 1, FLOOD]


def test_claim__a_test_amid_urgent_ones__keeps_its_code(reader: User) -> None:
    for kind in (*["incident_opened"] * FLOOD, TEST_KIND):
        _tell(reader, kind)

    assert _list_sizes() == [FLOOD, 1]


def _list_sizes() -> list[int]:
    """Return how many deliveries each mail carries."""
    sizes = []
    while mails := claim_mails(now=NOW):
        first, *carried = [one.pk for one in mails]
        mark_sent(delivery_id=first, carried=carried, now=NOW)
        sizes.append(len(mails))
    return sizes


def test_deliver__a_flood_about_one_rollout__leaves_out_what_is_not_true_any_more(reader: User) -> None:
    for kind in ["rollout_paused", "rollout_resumed"] * FLOOD:
        _tell(reader, kind, url="/rollouts/7/")

    assert deliver() == 1

    rows = _list_mails()
    assert {row.status for row in rows[:-1]} == {DeliveryStatus.REPLACED}
    assert {row.replaced_by_id for row in rows[:-1]} == {rows[-1].pk}
    assert (rows[-1].status, len(mail.outbox)) == (DeliveryStatus.SENT, 1)


def test_deliver__more_than_fit_in_one__come_in_order(reader: User) -> None:
    for _ in range(MOST_IN_ONE + 2):
        _tell(reader)

    assert deliver() == 3
    firsts = [row.pk for row in _list_mails() if row.sent_with_id is None]
    assert firsts == [_list_mails()[index].pk for index in (0, MOST_IN_ONE, MOST_IN_ONE + 1)]


def test_deliver__a_flood_that_is_not_taken__waits_as_a_whole_and_is_tried_again(
    reader: User, hands: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(FLOOD):
        _tell(reader)

    def refuse(_mails: object) -> None:
        raise NotSent("busy", is_final=False)

    with monkeypatch.context() as patch:
        patch.setattr("notifications.tasks.send_email", refuse)
        assert deliver() == 0
    waiting = {(row.status, row.attempts, row.next_attempt_at, row.last_error) for row in _list_mails()}
    assert len(waiting) == 1
    hands.shift(timedelta(minutes=1))

    assert deliver() == 1
    assert {(row.status, row.attempts) for row in _list_mails()} == {(DeliveryStatus.SENT, 2)}


def test_deliver__a_flood_with_one_that_no_server_takes__loses_that_one_alone(
    reader: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(FLOOD):
        _tell(reader)
    odd = _list_mails()[2]

    def refuse_odd(mails: Sequence[Delivery]) -> None:
        if odd in mails:
            raise NotSent("554 5.6.0 Not this text", is_final=True)

    monkeypatch.setattr("notifications.tasks.send_email", refuse_odd)

    assert deliver() == FLOOD - 1
    assert [row.status for row in _list_mails()] == [
        DeliveryStatus.DEAD if row == odd else DeliveryStatus.SENT for row in _list_mails()
    ]


def test_claim__courier_died_with_urgent_ones__they_go_before_what_is_usual(
    reader: User, hands: time_machine.Traveller
) -> None:
    for kind in ["incident_opened"] * FLOOD:
        _tell(reader, kind)
    claim_mails(now=clock.now())
    hands.shift(timedelta(minutes=2))
    _tell(make_person(Role.SUPPORT))

    (first,) = claim_mails(now=clock.now())

    assert first.event.kind == "incident_opened"


def test_claim__courier_died_with_a_flood__each_is_sent_by_itself(reader: User, hands: time_machine.Traveller) -> None:
    for _ in range(FLOOD):
        _tell(reader)
    assert len(claim_mails(now=clock.now())) == FLOOD
    hands.shift(timedelta(minutes=2))

    assert deliver() == FLOOD
    assert len(mail.outbox) == FLOOD


def test_told__of_a_flood__says_that_it_came_with_others(reader: User) -> None:
    for _ in range(FLOOD):
        _tell(reader)
    deliver()
    last = _list_mails()[-1]

    page = sign_in_as(reader).get(f"/told/{last.event_id}/")

    assert "in one message with others" in page.content.decode()


def test_settings__floods__are_explained_with_their_numbers(reader: User) -> None:
    page = sign_in_as(reader).get("/account/notifications/")

    assert "After 6 usual mails within 5 minutes" in page.content.decode()
