"""Writes of the outbox."""

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import connection, transaction
from django.db.models import QuerySet

from core.models import User
from notifications.digest_holding import hold_back
from notifications.domain.audience import DRIVERS, INDOOR_KINDS, Audience
from notifications.domain.boxes import hide_addresses
from notifications.domain.retry import MAX_ATTEMPTS, MOST_COURIERS, delay_after
from notifications.domain.urgency import Priority, priority_of
from notifications.domain.wishes import scope_of
from notifications.endpoint_queries import find_opening, list_wishing
from notifications.flag_names import add_names
from notifications.mail_floods import drop_outdated, gather, put_off
from notifications.models import Channel, Delivery, DeliveryStatus, Endpoint, Event
from notifications.packing import lease
from notifications.queries import list_people
from notifications.waiting_queries import MAILS

#: Kinds that need no mail: the inbox is enough. A failed mail is never told by mail.
QUIET_KINDS = frozenset({"step_done", "delivery_failed", "calls_due"})
#: Any number of our own: couriers count each other one after the other.
COURIERS_LOCK = 7_140_201
LEASE_RAN_OUT = "the courier died each time, or never came back"


@transaction.atomic
def publish(
    *, kind: str, data: Mapping[str, object], audience: Audience, dedupe_key: str, now: datetime, url: str = ""
) -> Event | None:
    """Write an event and its deliveries in the caller's transaction; None where it was told before.

    The inbox has it at once; mail is sent after the commit, by whoever claims it, or as the reader chose.
    """
    event, is_new = Event.objects.get_or_create(
        dedupe_key=dedupe_key, defaults={"kind": kind, "data": lambda: add_names(data), "url": url, "created_at": now}
    )
    if not is_new:
        return None
    people = list_people(audience)
    mailed = hold_back(event, people, is_quiet=kind in QUIET_KINDS)
    deliveries = [one for user in people for one in _deliveries(event, user, is_mailed=user.pk in mailed, now=now)]
    if kind not in INDOOR_KINDS:
        deliveries += [_to_endpoint(event, one, now=now) for one in list_wishing(scope_of(kind, data))]
    Delivery.objects.bulk_create(deliveries)
    return event


def _to_endpoint(event: Event, endpoint: Endpoint, *, now: datetime) -> Delivery:
    priority = priority_of(event.kind)
    opening = find_opening(endpoint, is_urgent=priority is Priority.URGENT, now=now)
    return Delivery(event=event, channel=endpoint.kind, endpoint=endpoint, priority=priority, next_attempt_at=opening)


def _deliveries(event: Event, user: User, *, is_mailed: bool, now: datetime) -> list[Delivery]:
    inbox = Delivery(
        event=event,
        channel=Channel.INBOX,
        recipient=user,
        status=DeliveryStatus.SENT,
        sent_at=now,
        attempts=1,
        next_attempt_at=now,
    )
    if not is_mailed:
        return [inbox]
    priority = priority_of(event.kind)
    return [inbox, Delivery(event=event, channel=Channel.EMAIL, recipient=user, priority=priority, next_attempt_at=now)]


@transaction.atomic
def claim_mails(*, now: datetime) -> list[Delivery]:
    """Lease the mail that is due longest, urgent ones first; empty where nothing is due or enough couriers are out.

    Several are of one reader, a flood, and go out as one. What another courier leased and never finished comes
    back at its lease's end; what came back too often is given up, since it may be what kills its couriers.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [COURIERS_LOCK])
    mails = Delivery.objects.filter(MAILS)
    sending = mails.filter(status=DeliveryStatus.SENDING)
    if sending.filter(leased_until__gt=now).count() >= MOST_COURIERS:
        return []
    lost = sending.filter(leased_until__lte=now).order_by("priority", "pk")
    for poison in lost.select_for_update(of=("self",), skip_locked=True).filter(attempts__gte=MAX_ATTEMPTS):
        _give_up(poison, error=LEASE_RAN_OUT, now=now)
    pending = mails.filter(status=DeliveryStatus.PENDING, next_attempt_at__lte=now)
    again = _lock_first(lost)
    while (first := _lock_first(pending.order_by("priority", "next_attempt_at", "pk"))) is not None:
        if again is not None and again.priority < first.priority:
            break
        if not put_off(first, now=now):
            mails_of_one = lease(gather(first, now=now), now=now)
            drop_outdated(mails_of_one, now=now)
            return mails_of_one
    # By itself: were it one of a flood that kills its courier, the others get through.
    return [] if again is None else lease([again.pk], now=now)


def _lock_first(rows: QuerySet[Delivery]) -> Delivery | None:
    return rows.select_for_update(of=("self",), skip_locked=True).select_related("event", "recipient").first()


@transaction.atomic
def mark_sent(*, delivery_id: int, now: datetime, carried: Collection[int] = ()) -> None:
    """Note that a leased delivery went out, also where the lease had run out meanwhile, and what its mail carried."""
    sent = {"status": DeliveryStatus.SENT, "sent_at": now, "leased_until": None, "last_error": ""}
    leased = Delivery.objects.filter(status=DeliveryStatus.SENDING)
    leased.filter(pk=delivery_id).update(**sent)
    if carried:
        leased.filter(pk__in=carried).update(**sent, sent_with=delivery_id)


@transaction.atomic
def send_apart(*, delivery_ids: Collection[int], now: datetime) -> None:
    """Have each delivery of a flood sent by itself, as after a courier's death: one of them may be what was refused."""
    Delivery.objects.filter(pk__in=delivery_ids, status=DeliveryStatus.SENDING).update(leased_until=now)


@transaction.atomic
def mark_failed(
    *, delivery_id: int, attempt: int, error: str, is_final: bool, jitter: float, now: datetime
) -> Delivery | None:
    """Note a failure and when to try again; a final one, or one too many, is given up and told.

    None where the lease had run out and another courier is at it: its word counts.
    """
    delivery = (
        Delivery.objects.select_for_update(of=("self",))
        .filter(pk=delivery_id, status=DeliveryStatus.SENDING, attempts=attempt)
        .select_related("event", "recipient")
        .first()
    )
    if delivery is None:
        return None
    delay = None if is_final else delay_after(attempt, jitter=jitter)
    if delay is None:
        _give_up(delivery, error=error, now=now)
        return delivery
    delivery.status = DeliveryStatus.PENDING
    delivery.next_attempt_at = now + delay
    delivery.leased_until = None
    delivery.last_error = clean_error(error)
    delivery.save()
    return delivery


def _give_up(delivery: Delivery, *, error: str, now: datetime) -> None:
    """Bury a delivery and say so in the inbox of those who can mend it: once a day for each reader."""
    delivery.status = DeliveryStatus.DEAD
    delivery.next_attempt_at = now
    delivery.leased_until = None
    delivery.last_error = clean_error(error)
    delivery.save()
    reader = delivery.recipient
    if reader is None or not reader.is_active:
        return
    publish(
        kind="delivery_failed",
        data={
            "reader": reader.username,
            "attempts": delivery.attempts,
            "error": hide_addresses(delivery.last_error)[:200],
        },
        audience=DRIVERS,
        dedupe_key=f"delivery-failed:{reader.pk}:{now:%Y-%m-%d}",
        now=now,
    )


def clean_error(error: str) -> str:
    """Return what a service answered as it is stored: bounded, and of characters that can be."""
    return error.replace("\x00", "")[:500]


@transaction.atomic
def mark_read(*, user_id: int, now: datetime, delivery_id: int | None = None, up_to: int | None = None) -> int:
    """Mark one message of a person's inbox read, or all up to the newest they saw; return how many."""
    unread = Delivery.objects.filter(recipient_id=user_id, channel=Channel.INBOX, read_at=None)
    if delivery_id is not None:
        unread = unread.filter(pk=delivery_id)
    if up_to is not None:
        unread = unread.filter(pk__lte=up_to)
    return unread.update(read_at=now)


@transaction.atomic
def mark_read_about(*, url: str, kinds: Collection[str] | None, now: datetime) -> int:
    """Mark everybody's messages about a page read, of some kinds only if asked; return how many."""
    unread = Delivery.objects.filter(channel=Channel.INBOX, read_at=None, event__url=url)
    if kinds is not None:
        unread = unread.filter(event__kind__in=kinds)
    return unread.update(read_at=now)
