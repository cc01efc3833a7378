"""Floods of mails to one person: a few at once, what follows a little later and together. ADR 65."""

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db.models import QuerySet

from notifications.domain.floods import ALONE, CALM
from notifications.domain.parcels import FLOOD
from notifications.domain.topics import kinds_about
from notifications.domain.urgency import Priority
from notifications.models import Delivery, DeliveryStatus
from notifications.packing import mark_replaced, pack_rows
from notifications.waiting_queries import MAILS


def put_off(first: Delivery, *, now: datetime) -> bool:
    """Let what is not urgent wait for a reader who has just had a flood of it; True where it does."""
    if first.priority == Priority.URGENT or first.event.kind in ALONE:
        return False
    sent = _usual(first).filter(status=DeliveryStatus.SENT, sent_with=None, sent_at__gt=now - CALM)
    latest = sent.order_by("-sent_at").values_list("sent_at", flat=True)[:FLOOD]
    moments = [one for one in latest if one is not None]
    if len(moments) < FLOOD:
        return False
    _list_due(first, now=now).update(next_attempt_at=moments[-1] + CALM)
    return True


def gather(first: Delivery, *, now: datetime) -> Collection[int]:
    """Return the keys of what goes out in one mail: one, or all that waits for its reader where that is a flood."""
    rows = _list_due(first, now=now)
    if first.event.kind in ALONE or rows.count() < FLOOD:
        return [first.pk]
    parcel = pack_rows(rows.order_by("pk"), gathers=True)
    mark_replaced(parcel.replaced, now=now)
    return parcel.sent


def drop_outdated(mails: Sequence[Delivery], *, now: datetime) -> None:
    """Let go of what waits for the same reader and is older than a mail about the same: it would arrive after it."""
    for one in mails:
        about = kinds_about(one.event.kind)
        if about and one.event.url:
            older = Delivery.objects.filter(MAILS, recipient=one.recipient_id, status=DeliveryStatus.PENDING)
            older = older.filter(pk__lt=one.pk, event__url=one.event.url, event__kind__in=about)
            mark_replaced(dict.fromkeys(older.values_list("pk", flat=True), one.pk), now=now)


def _usual(first: Delivery) -> QuerySet[Delivery]:
    """Return the mails of its reader that are as urgent, but for those that are never one among others."""
    rows = Delivery.objects.filter(MAILS, recipient=first.recipient_id, priority=first.priority)
    return rows.exclude(event__kind__in=ALONE)


def _list_due(first: Delivery, *, now: datetime) -> QuerySet[Delivery]:
    return _usual(first).filter(status=DeliveryStatus.PENDING, next_attempt_at__lte=now)
