"""Writes of the outbox."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from core.models import User
from notifications.domain.audience import Audience
from notifications.domain.retry import LEASE, delay_after
from notifications.models import Channel, Delivery, DeliveryStatus, Event

#: Kinds that need no mail: the inbox is enough.
QUIET_KINDS = frozenset({"step_done"})


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
    people = User.objects.filter(
        Q(groups__name__in=[str(role) for role in audience.roles]) | Q(pk__in=audience.user_ids), is_active=True
    ).distinct()
    Delivery.objects.bulk_create(
        [delivery for user in people.order_by("pk") for delivery in _deliveries(event, user, now=now)]
    )
    return event


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
def claim_deliveries(*, limit: int, now: datetime) -> list[Delivery]:
    """Lease what is due; what another worker leased and never finished comes back with its lease's end."""
    due = (
        Delivery.objects.select_for_update(of=("self",), skip_locked=True)
        .filter(status=DeliveryStatus.PENDING, next_attempt_at__lte=now)
        .order_by("next_attempt_at", "pk")
    )
    lost = (
        Delivery.objects.select_for_update(of=("self",), skip_locked=True)
        .filter(status=DeliveryStatus.SENDING, leased_until__lte=now)
        .order_by("pk")
    )
    claimed = [*due[:limit], *lost[:limit]]
    for delivery in claimed:
        delivery.status = DeliveryStatus.SENDING
        delivery.leased_until = now + LEASE
        delivery.attempts += 1
        delivery.save(update_fields=["status", "leased_until", "attempts"])
    return claimed


@transaction.atomic
def mark_sent(*, delivery_id: int, now: datetime) -> None:
    """Note that a leased delivery went out."""
    Delivery.objects.filter(pk=delivery_id, status=DeliveryStatus.SENDING).update(
        status=DeliveryStatus.SENT, sent_at=now, leased_until=None, last_error=""
    )


@transaction.atomic
def mark_failed(*, delivery_id: int, error: str, is_final: bool, jitter: float, now: datetime) -> None:
    """Note a failure and when to try again; a final one, or one too many, is dead."""
    delivery = Delivery.objects.select_for_update().get(pk=delivery_id)
    delay = None if is_final else delay_after(delivery.attempts, jitter=jitter)
    delivery.status = DeliveryStatus.DEAD if delay is None else DeliveryStatus.PENDING
    delivery.next_attempt_at = now if delay is None else now + delay
    delivery.leased_until = None
    delivery.last_error = error[:500]
    delivery.save()


@transaction.atomic
def mark_read(*, user_id: int, delivery_id: int | None, now: datetime) -> int:
    """Mark one message of a person's inbox read, or all of them; return how many."""
    unread = Delivery.objects.filter(recipient_id=user_id, channel=Channel.INBOX, read_at=None)
    return (unread if delivery_id is None else unread.filter(pk=delivery_id)).update(read_at=now)
