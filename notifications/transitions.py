"""Writes of the outbox."""

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from core.errors import InvalidInput, Refusal
from core.models import User
from core.roles import Role
from notifications.domain.audience import DRIVERS, Audience
from notifications.domain.retry import LEASE, MAX_ATTEMPTS, MOST_COURIERS, delay_after
from notifications.models import Channel, Delivery, DeliveryStatus, Event

#: Kinds that need no mail: the inbox is enough. A failed mail is never told by mail.
QUIET_KINDS = frozenset({"step_done", "delivery_failed"})
#: Any number of our own: couriers count each other one after the other.
COURIERS_LOCK = 7_140_201
LEASE_RAN_OUT = "the courier died each time, or never came back"


@transaction.atomic
def publish(
    *, kind: str, data: Mapping[str, object], audience: Audience, dedupe_key: str, now: datetime, url: str = ""
) -> Event | None:
    """Write an event and its deliveries in the caller's transaction; None where it was told before.

    The inbox has it at once; mail is sent after the commit, by whoever claims it.
    """
    event, is_new = Event.objects.get_or_create(
        dedupe_key=dedupe_key, defaults={"kind": kind, "data": dict(data), "url": url, "created_at": now}
    )
    if not is_new:
        return None
    deliveries = [delivery for user in _people(audience) for delivery in _deliveries(event, user, now=now)]
    Delivery.objects.bulk_create(deliveries)
    return event


def _people(audience: Audience) -> list[User]:
    """Return the active people of an audience; a superuser is an admin, with or without the group."""
    wanted = Q(groups__name__in=[str(role) for role in audience.roles]) | Q(pk__in=audience.user_ids)
    if Role.ADMIN in audience.roles:
        wanted |= Q(is_superuser=True)
    return list(User.objects.filter(wanted, is_active=True).distinct().order_by("pk"))


def _deliveries(event: Event, user: User, *, now: datetime) -> list[Delivery]:
    inbox = Delivery(
        event=event,
        channel=Channel.INBOX,
        recipient=user,
        status=DeliveryStatus.SENT,
        sent_at=now,
        attempts=1,
        next_attempt_at=now,
    )
    if not user.email or event.kind in QUIET_KINDS:
        return [inbox]
    return [inbox, Delivery(event=event, channel=Channel.EMAIL, recipient=user, next_attempt_at=now)]


@transaction.atomic
def claim_delivery(*, now: datetime) -> Delivery | None:
    """Lease the delivery that is due longest; None where nothing is due or enough couriers are out.

    What another courier leased and never finished comes back at its lease's end; what came back too
    often is given up, since it may be what kills its couriers.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [COURIERS_LOCK])
    sending = Delivery.objects.filter(status=DeliveryStatus.SENDING)
    if sending.filter(leased_until__gt=now).count() >= MOST_COURIERS:
        return None
    lost = sending.filter(leased_until__lte=now).order_by("pk")
    for poison in lost.select_for_update(of=("self",), skip_locked=True).filter(attempts__gte=MAX_ATTEMPTS):
        _give_up(poison, error=LEASE_RAN_OUT, now=now)
    pending = Delivery.objects.filter(status=DeliveryStatus.PENDING, next_attempt_at__lte=now)
    delivery = _lock_first(pending.order_by("next_attempt_at", "pk")) or _lock_first(lost)
    if delivery is None:
        return None
    delivery.status = DeliveryStatus.SENDING
    delivery.leased_until = now + LEASE
    delivery.attempts += 1
    delivery.save(update_fields=["status", "leased_until", "attempts"])
    return delivery


def _lock_first(rows: QuerySet[Delivery]) -> Delivery | None:
    return rows.select_for_update(of=("self",), skip_locked=True).select_related("event", "recipient").first()


@transaction.atomic
def mark_sent(*, delivery_id: int, now: datetime) -> None:
    """Note that a leased delivery went out, also where the lease had run out meanwhile."""
    Delivery.objects.filter(pk=delivery_id, status=DeliveryStatus.SENDING).update(
        status=DeliveryStatus.SENT, sent_at=now, leased_until=None, last_error=""
    )


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
    delivery.last_error = _clean(error)
    delivery.save()
    return delivery


def _give_up(delivery: Delivery, *, error: str, now: datetime) -> None:
    """Bury a delivery and say so in the inbox of those who can mend it: once a day for each reader."""
    delivery.status = DeliveryStatus.DEAD
    delivery.next_attempt_at = now
    delivery.leased_until = None
    delivery.last_error = _clean(error)
    delivery.save()
    reader = delivery.recipient
    if not reader.is_active:
        return
    publish(
        kind="delivery_failed",
        data={"reader": reader.username, "attempts": delivery.attempts, "error": delivery.last_error[:200]},
        audience=DRIVERS,
        dedupe_key=f"delivery-failed:{reader.pk}:{now:%Y-%m-%d}",
        now=now,
    )


def _clean(error: str) -> str:
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


@transaction.atomic
def send_again(*, delivery_id: int, now: datetime, recipient_id: int | None = None) -> Delivery:
    """Let the couriers try a mail again that was given up; of one person only if `recipient_id` says so."""
    rows = Delivery.objects.select_for_update(of=("self",)).select_related("recipient").filter(channel=Channel.EMAIL)
    delivery = (rows if recipient_id is None else rows.filter(recipient_id=recipient_id)).filter(pk=delivery_id).first()
    if delivery is None:
        raise InvalidInput("delivery_unknown", delivery=delivery_id)
    if delivery.status != DeliveryStatus.DEAD:
        raise Refusal("delivery_under_way", delivery=delivery_id)
    reader = delivery.recipient
    if not reader.is_active or not reader.email:
        raise Refusal("reader_unreachable", reader=reader.username)
    delivery.status = DeliveryStatus.PENDING
    delivery.attempts = 0
    delivery.next_attempt_at = now
    delivery.save(update_fields=["status", "attempts", "next_attempt_at"])
    return delivery
