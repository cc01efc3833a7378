"""What is read and written to send many deliveries as one; the rules are `domain/parcels.py`."""

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db.models import F, QuerySet

from notifications.domain.parcels import Parcel, Waiting, pack
from notifications.domain.retry import LEASE
from notifications.domain.urgency import Priority
from notifications.models import Delivery, DeliveryStatus

#: Looked at to pack one parcel; the rest waits for the next.
MOST_LOOKED_AT = 200


def pack_rows(rows: QuerySet[Delivery], *, gathers: bool) -> Parcel:
    """Return what goes out next of what waits at one place, given oldest first."""
    found = rows.values_list("pk", "event__kind", "event__url", "priority")[:MOST_LOOKED_AT]
    waiting = [
        Waiting(pk=pk, kind=kind, thread=url, is_urgent=priority == Priority.URGENT)
        for pk, kind, url, priority in found
    ]
    return pack(waiting, gathers=gathers)


def mark_replaced(replaced: Mapping[int, int], *, now: datetime) -> None:
    """Note what is not sent any more, and by its key what newer about the same is sent in its place."""
    for pk, newer in replaced.items():
        Delivery.objects.filter(pk=pk).update(
            status=DeliveryStatus.REPLACED, replaced_by=newer, next_attempt_at=now, last_error=""
        )


def lease(keys: Collection[int], *, now: datetime) -> list[Delivery]:
    """Take deliveries for one courier, each with an attempt more; oldest first."""
    Delivery.objects.filter(pk__in=keys).update(
        status=DeliveryStatus.SENDING, leased_until=now + LEASE, attempts=F("attempts") + 1
    )
    return list(Delivery.objects.filter(pk__in=keys).select_related("event", "recipient").order_by("pk"))
