"""The outbox: written with what it tells, claimed once, tried again, given up in sight."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction

from core.actors import DEMO
from core.models import User
from core.people import deactivate_person
from core.roles import Role
from notifications.domain.audience import CREW, DRIVERS, KEEPERS, Audience
from notifications.domain.retry import LEASE, MAX_ATTEMPTS, MOST_COURIERS
from notifications.models import Channel, Delivery, DeliveryStatus, Event
from notifications.tasks import deliver
from notifications.transitions import mark_failed, mark_read, mark_sent, publish
from tests.factories.core import NOW, make_person
from tests.factories.notifications import make_event
from tests.notifications.claims import claim_delivery

SECOND = timedelta(seconds=1)


def _mails() -> list[Delivery]:
    return list(Delivery.objects.filter(channel=Channel.EMAIL).order_by("pk"))


@pytest.mark.django_db(transaction=True)
def test_publish__callers_transaction_rolled_back__nothing_is_told() -> None:
    person = make_person(Role.SUPPORT)

    with transaction.atomic():
        make_event(person.pk)
        assert Delivery.objects.count() == 2
        transaction.set_rollback(True)

    assert not Event.objects.exists()
    assert not Delivery.objects.exists()


@pytest.mark.django_db
def test_publish__same_key_again__is_told_once() -> None:
    person = make_person(Role.SUPPORT)
    make_event(person.pk, dedupe_key="once")

    again = publish(kind="rollout_paused", data={}, audience=CREW, dedupe_key="once", now=NOW)

    assert again is None
    assert (Event.objects.count(), Delivery.objects.count()) == (1, 2)


@pytest.mark.django_db(transaction=True)
def test_publish__same_key_from_two_at_once__is_told_once() -> None:
    person = make_person(Role.SUPPORT)
    audience = Audience(user_ids=frozenset({person.pk}))

    def tell(_: int) -> bool:
        try:
            return publish(kind="rollout_paused", data={}, audience=audience, dedupe_key="race", now=NOW) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(tell, range(4)))

    assert sorted(told) == [False, False, False, True]
    assert Delivery.objects.count() == 2


@pytest.mark.django_db
def test_delivery__same_event_channel_and_reader_twice__is_refused_by_the_database() -> None:
    person = make_person(Role.SUPPORT)
    event = make_event(person.pk)

    with pytest.raises(IntegrityError, match="notifications_told_once"), transaction.atomic():
        Delivery.objects.create(event=event, channel=Channel.EMAIL, recipient=person, next_attempt_at=NOW)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("audience", "readers"),
    [
        (CREW, {"manager", "support", "admin", "root", "both"}),
        (DRIVERS, {"manager", "admin", "root", "both"}),
        (KEEPERS, {"auditor", "admin", "root"}),
    ],
)
def test_publish__roles__reach_each_of_their_active_people_once(audience: Audience, readers: set[str]) -> None:
    make_person(Role.RELEASE_MANAGER, username="manager")
    make_person(Role.SUPPORT, username="support")
    make_person(Role.AUDITOR, username="auditor")
    make_person(Role.ADMIN, username="admin")
    make_person(Role.RELEASE_MANAGER, Role.SUPPORT, username="both")
    make_person(username="nobody")
    User.objects.filter(pk=make_person(username="root").pk).update(is_superuser=True)
    gone = make_person(*Role, username="gone")
    deactivate_person(user_id=gone.pk, actor=DEMO, reason="left", now=NOW)

    make_event(audience=audience)

    told = Delivery.objects.filter(channel=Channel.INBOX).values_list("recipient__username", flat=True)
    assert sorted(told) == sorted(readers)


@pytest.mark.django_db
def test_publish__reader_without_address_or_quiet_kind__goes_to_the_inbox_alone() -> None:
    make_event(make_person(Role.SUPPORT, email="").pk)
    make_event(make_person(Role.SUPPORT).pk, kind="step_done")

    assert {one.channel for one in Delivery.objects.all()} == {Channel.INBOX}
    assert claim_delivery(now=NOW) is None


@pytest.mark.django_db
def test_claim__due_later_or_sent__is_left_alone() -> None:
    make_event(make_person(Role.SUPPORT).pk)
    assert claim_delivery(now=NOW - SECOND) is None

    claimed = claim_delivery(now=NOW)
    assert claimed is not None
    mark_sent(delivery_id=claimed.pk, now=NOW)

    assert claim_delivery(now=NOW + 10 * LEASE) is None
    assert claimed.attempts == 1


@pytest.mark.django_db(transaction=True)
def test_deliver__several_couriers_at_once__each_mail_goes_out_once() -> None:
    people = [make_person(Role.SUPPORT) for _ in range(12)]
    make_event(*(one.pk for one in people), audience=CREW)

    def work(_: int) -> int:
        try:
            return deliver()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        sent = sum(pool.map(work, range(4)))
    sent += deliver()

    assert sent == 12
    assert sorted(one.to[0] for one in mail.outbox) == sorted(one.email for one in people)
    assert {(one.status, one.attempts) for one in _mails()} == {(DeliveryStatus.SENT, 1)}


@pytest.mark.django_db(transaction=True)
def test_claim__two_at_the_same_moment__never_get_the_same_delivery() -> None:
    make_event(*(make_person(Role.SUPPORT).pk for _ in range(2)))

    def claim(_: int) -> int | None:
        try:
            claimed = claim_delivery(now=NOW)
            return claimed.pk if claimed else None
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        got = [pk for pk in pool.map(claim, range(4)) if pk is not None]

    assert len(got) == len(set(got)) == MOST_COURIERS


@pytest.mark.django_db
def test_claim__enough_couriers_out__waits_so_that_workers_stay_free() -> None:
    make_event(*(make_person(Role.SUPPORT).pk for _ in range(MOST_COURIERS + 1)))
    first = [claim_delivery(now=NOW) for _ in range(MOST_COURIERS)]
    assert all(first)
    assert claim_delivery(now=NOW) is None

    assert first[0] is not None
    mark_sent(delivery_id=first[0].pk, now=NOW)

    assert claim_delivery(now=NOW) is not None


@pytest.mark.django_db
def test_claim__courier_died_after_claiming__is_sent_again_when_the_lease_ends() -> None:
    make_event(make_person(Role.SUPPORT).pk)
    dead = claim_delivery(now=NOW)
    assert dead is not None
    assert claim_delivery(now=NOW + LEASE - SECOND) is None

    again = claim_delivery(now=NOW + LEASE)

    assert again == dead
    assert again is not None
    assert again.attempts == 2


@pytest.mark.django_db
def test_claim__mail_that_kills_its_courier_each_time__is_given_up_and_told() -> None:
    manager = make_person(Role.RELEASE_MANAGER)
    make_event(manager.pk)
    now = NOW
    for _ in range(MAX_ATTEMPTS):
        assert claim_delivery(now=now) is not None
        now += LEASE

    assert claim_delivery(now=now) is None

    assert _mails()[0].status == DeliveryStatus.DEAD
    assert Event.objects.filter(kind="delivery_failed").count() == 1


@pytest.mark.django_db
def test_mark_failed__for_a_while__waits_longer_each_time_with_jitter() -> None:
    make_event(make_person(Role.SUPPORT).pk)
    waits = []
    now = NOW
    for jitter in (0.0, 0.5, 0.0):
        claimed = claim_delivery(now=now)
        assert claimed is not None
        mark_failed(
            delivery_id=claimed.pk, attempt=claimed.attempts, error="busy", is_final=False, jitter=jitter, now=now
        )
        claimed.refresh_from_db()
        waits.append((claimed.next_attempt_at - now).total_seconds())
        assert claim_delivery(now=claimed.next_attempt_at - SECOND) is None
        now = claimed.next_attempt_at

    assert waits == [2.5, 7.5, 10.0]
    assert _mails()[0].last_error == "busy"


@pytest.mark.django_db
def test_mark_failed__final__is_told_to_those_who_drive_once_a_day_and_never_by_mail() -> None:
    manager, admin = make_person(Role.RELEASE_MANAGER), make_person(Role.ADMIN)
    reader = make_person(Role.SUPPORT)
    for _ in range(2):
        make_event(reader.pk)
        claimed = claim_delivery(now=NOW)
        assert claimed is not None
        mark_failed(delivery_id=claimed.pk, attempt=1, error="no such box", is_final=True, jitter=0.0, now=NOW)

    told = Delivery.objects.filter(event__kind="delivery_failed")
    assert sorted(told.values_list("recipient_id", "channel")) == sorted((one.pk, "inbox") for one in (manager, admin))
    assert [one.status for one in _mails()] == [DeliveryStatus.DEAD] * 2


@pytest.mark.django_db
def test_marks__of_a_courier_whose_lease_ran_out__do_not_undo_the_second_ones_work() -> None:
    make_event(make_person(Role.SUPPORT).pk)
    late = claim_delivery(now=NOW)
    second = claim_delivery(now=NOW + LEASE)
    assert late is not None
    assert second is not None

    ignored = mark_failed(
        delivery_id=late.pk, attempt=late.attempts, error="timeout", is_final=False, jitter=0.0, now=NOW + LEASE
    )
    assert ignored is None
    mark_sent(delivery_id=second.pk, now=NOW + LEASE)
    assert (
        mark_failed(
            delivery_id=second.pk, attempt=second.attempts, error="late", is_final=True, jitter=0.0, now=NOW + LEASE
        )
        is None
    )

    second.refresh_from_db()
    assert (second.status, second.sent_at) == (DeliveryStatus.SENT, NOW + LEASE)


@pytest.mark.django_db
def test_mark_read__all_up_to_what_was_seen__leaves_what_came_since_and_others_alone() -> None:
    me, other = make_person(Role.SUPPORT), make_person(Role.SUPPORT)
    make_event(me.pk, other.pk)
    seen = Delivery.objects.get(recipient=me, channel=Channel.INBOX)
    make_event(me.pk)

    assert mark_read(user_id=me.pk, up_to=seen.pk, now=NOW) == 1
    assert mark_read(user_id=other.pk, delivery_id=seen.pk, now=NOW) == 0

    unread = Delivery.objects.filter(channel=Channel.INBOX, read_at=None)
    assert sorted(unread.values_list("recipient_id", flat=True)) == sorted([me.pk, other.pk])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"status": "lost"}, "notifications_status_known"),
        ({"channel": "pigeon"}, "notifications_channel_known"),
        ({"status": "sending"}, "notifications_leased_while_sending"),
        ({"leased_until": NOW}, "notifications_leased_while_sending"),
        ({"sent_at": NOW}, "notifications_sent_when"),
        ({"read_at": NOW}, "notifications_read_in_the_inbox"),
        ({"attempts": -1}, "notifications_delivery_attempts_check"),
    ],
)
def test_delivery__impossible_values__are_refused_by_the_database(values: dict[str, object], name: str) -> None:
    make_event(make_person(Role.SUPPORT).pk)
    [mail] = _mails()

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Delivery.objects.filter(pk=mail.pk).update(**values)


@pytest.mark.django_db
@pytest.mark.parametrize("given", [{"kind": ""}, {"dedupe_key": ""}])
def test_event__without_a_name__is_refused_by_the_database(given: dict[str, str]) -> None:
    with pytest.raises(IntegrityError, match="notifications_event_named"), transaction.atomic():
        make_event(**given)
