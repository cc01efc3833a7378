"""Writes of what goes to contacts: written at once by the thousand, sent in batches at one pace, beside all else."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, QuerySet

from core.actors import Actor
from core.errors import InvalidInput, Refusal
from core.history import recorded
from notifications.bulk_models import Broadcast, BroadcastStatus, BulkLane
from notifications.contact_models import Contact, ContactKind, ContactStatus
from notifications.domain.boxes import hide_addresses
from notifications.domain.retry import LEASE, MAX_ATTEMPTS, delay_after
from notifications.domain.urgency import Priority
from notifications.models import Channel, Delivery, DeliveryStatus, Event
from notifications.transitions import clean_error
from notifications.waiting_queries import BULK

#: Any number of our own: one courier at a time has the lane.
BULK_LOCK = 7_140_211
LANE = 1
#: Written by one statement.
ROWS = 2_000
#: One connection to the mail server carries so many.
MOST_IN_A_BATCH = 50
WRITTEN_TO = (ContactStatus.PENDING, ContactStatus.ACTIVE)
#: What a delivery ends with that its broadcast no longer sends.
BROKEN_OFF = "the broadcast was broken off"


def address_contacts(
    event: Event, contacts: Iterable[Contact], *, now: datetime, priority: Priority = Priority.BULK
) -> int:
    """Write an event's deliveries to contacts, in the caller's transaction; return how many there are."""
    rows = [
        Delivery(
            event=event,
            channel=Channel.EMAIL if contact.kind == ContactKind.EMAIL else Channel.WEBHOOK,
            contact=contact,
            priority=priority,
            next_attempt_at=now,
        )
        for contact in contacts
    ]
    Delivery.objects.bulk_create(rows, batch_size=ROWS, ignore_conflicts=True)
    return len(rows)


@transaction.atomic
def start_broadcast(
    *, event: Event, contacts: Sequence[Contact], actor: Actor, reason: str, now: datetime
) -> Broadcast:
    """Send an event to contacts, and keep how that goes."""
    if not contacts:
        raise Refusal("broadcast_for_nobody")
    broadcast = Broadcast(event=event, recipients=len(contacts), started_at=now, started_by_id=actor.user_id)
    with recorded(actor=actor, reason=reason, now=now):
        broadcast.save()
    address_contacts(event, contacts, now=now)
    return broadcast


@transaction.atomic
def steer_broadcast(
    *, broadcast_id: int, status: BroadcastStatus, actor: Actor, reason: str, now: datetime
) -> Broadcast:
    """Pause a broadcast, let it go on, or break it off for good."""
    broadcast = Broadcast.objects.select_for_update().filter(pk=broadcast_id).first()
    if broadcast is None:
        raise InvalidInput("broadcast_unknown")
    if broadcast.status in {status, BroadcastStatus.ENDED}:
        raise Refusal("changed_meanwhile")
    broadcast.status = status
    with recorded(actor=actor, reason=reason, now=now):
        broadcast.save()
    _bury_broken_off(now=now)
    return broadcast


def _bury_broken_off(*, now: datetime) -> None:
    """Give up what waits of broadcasts that were broken off: also what came back from a courier since."""
    waiting = Delivery.objects.filter(
        event__broadcast__status=BroadcastStatus.ENDED, contact__isnull=False, status=DeliveryStatus.PENDING
    )
    waiting.update(status=DeliveryStatus.DEAD, next_attempt_at=now, last_error=BROKEN_OFF)


@transaction.atomic
def claim_batch(*, now: datetime) -> list[Delivery]:
    """Lease what contacts are sent next, at the lane's pace; empty where nothing is due or another courier has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [BULK_LOCK])
    lane, _ = BulkLane.objects.get_or_create(pk=LANE, defaults={"free_at": now})
    rows = Delivery.objects.filter(BULK)
    lost = rows.filter(status=DeliveryStatus.SENDING, leased_until__lte=now)
    lost.filter(attempts__lt=MAX_ATTEMPTS).update(status=DeliveryStatus.PENDING, leased_until=None, next_attempt_at=now)
    lost.update(status=DeliveryStatus.DEAD, leased_until=None, next_attempt_at=now, last_error="the courier died")
    _bury_broken_off(now=now)
    if lane.free_at > now or rows.filter(status=DeliveryStatus.SENDING).exists():
        return []
    due = rows.filter(status=DeliveryStatus.PENDING, next_attempt_at__lte=now)
    due = due.exclude(event__broadcast__status=BroadcastStatus.PAUSED)
    keys = list(due.order_by("priority", "pk").values_list("pk", flat=True)[:MOST_IN_A_BATCH])
    claimed = Delivery.objects.filter(pk__in=keys)
    claimed.update(status=DeliveryStatus.SENDING, leased_until=now + LEASE, attempts=F("attempts") + 1)
    pause = timedelta(minutes=1) * len(keys) / settings.BULK_PER_MINUTE
    BulkLane.objects.filter(pk=LANE).update(free_at=now + pause)
    return list(claimed.select_related("event", "contact").order_by("priority", "pk"))


def hold_on(delivery: Delivery, *, now: datetime) -> bool:
    """Lease one anew, just before it is sent; False where it is another courier's, or its reader ended it meanwhile."""
    mine = Delivery.objects.filter(pk=delivery.pk, status=DeliveryStatus.SENDING, attempts=delivery.attempts)
    mine = mine.filter(contact__status__in=WRITTEN_TO).exclude(event__broadcast__status=BroadcastStatus.ENDED)
    return bool(mine.update(leased_until=now + LEASE))


@transaction.atomic
def give_back(deliveries: Iterable[Delivery], *, now: datetime) -> None:
    """Let go of what a round had no time for: it is due at once, and none of it counts an attempt."""
    for one in deliveries:
        mine = Delivery.objects.filter(pk=one.pk, status=DeliveryStatus.SENDING, attempts=one.attempts)
        mine.update(status=DeliveryStatus.PENDING, leased_until=None, attempts=F("attempts") - 1, next_attempt_at=now)


@transaction.atomic
def mark_one_sent(*, delivery_id: int, now: datetime) -> None:
    """Note that one went out."""
    rows = Delivery.objects.filter(pk=delivery_id).exclude(status=DeliveryStatus.SENT)
    rows.update(status=DeliveryStatus.SENT, sent_at=now, leased_until=None, last_error="")
    BulkLane.objects.filter(pk=LANE).update(failures=0, last_error="")


@transaction.atomic
def mark_one_failed(
    *,
    delivery: Delivery,
    error: str,
    is_final: bool,
    jitter: float,
    now: datetime,
    asked_wait: timedelta | None = None,
) -> None:
    """Note that one was not taken: tried again after a while, not before its reader asked for it, or given up."""
    delay = None if is_final else delay_after(delivery.attempts, jitter=jitter)
    if delay is not None:
        delay = max(delay, asked_wait or delay)
    status = DeliveryStatus.DEAD if delay is None else DeliveryStatus.PENDING
    mine = Delivery.objects.filter(pk=delivery.pk, status=DeliveryStatus.SENDING, attempts=delivery.attempts)
    mine.update(
        status=status,
        next_attempt_at=now if delay is None else now + delay,
        leased_until=None,
        last_error=hide_addresses(clean_error(error)),
    )
    # Broken off while it was under way: nothing looks at it again before it is due.
    _bury_broken_off(now=now)


@transaction.atomic
def mark_lane_down(*, deliveries: Collection[Delivery], error: str, jitter: float, now: datetime) -> None:
    """Note that the service took nothing: everything waits, and none of it counts an attempt."""
    lane = BulkLane.objects.select_for_update().get(pk=LANE)
    lane.failures += 1
    lane.last_error = clean_error(error)
    lane.free_at = now + (delay_after(min(lane.failures, MAX_ATTEMPTS - 1), jitter=jitter) or LEASE)
    lane.save()
    Delivery.objects.filter(pk__in=[one.pk for one in deliveries], status=DeliveryStatus.SENDING).update(
        status=DeliveryStatus.PENDING, leased_until=None, attempts=F("attempts") - 1, last_error=lane.last_error
    )


def list_users(*, site_keys: Collection[str] = ()) -> QuerySet[Contact]:
    """Return the users of the tills who are written to: of some sites, and those of no site, only if asked."""
    rows = Contact.objects.filter(purpose="users", status=ContactStatus.ACTIVE)
    if site_keys:
        rows = rows.filter(topics__overlap=list(site_keys)) | rows.filter(topics=[])
    return rows.order_by("pk")
