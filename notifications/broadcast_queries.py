"""Reads of broadcasts: how far each is, and whom it did not reach."""

from dataclasses import dataclass

from django.db.models import Count, Q

from notifications.contact_models import Contact, ContactStatus, Purpose
from notifications.models import Broadcast, Delivery, DeliveryStatus


@dataclass(frozen=True)
class Progress:
    """How many of a broadcast's readers it reached, did not, and has yet to be sent to."""

    broadcast: Broadcast
    sent: int
    failed: int
    waiting: int

    @property
    def done(self) -> int:
        """How many are settled, whatever came of it."""
        return self.sent + self.failed


def list_progress(broadcasts: list[Broadcast]) -> list[Progress]:
    """Return how far broadcasts are, in their order: one query."""
    rows = Delivery.objects.filter(event__broadcast__in=broadcasts, contact__isnull=False).order_by()
    counted = rows.values_list("event__broadcast").annotate(
        sent=Count("pk", filter=Q(status=DeliveryStatus.SENT)),
        failed=Count("pk", filter=Q(status=DeliveryStatus.DEAD)),
        waiting=Count("pk", filter=Q(status__in=[DeliveryStatus.PENDING, DeliveryStatus.SENDING])),
    )
    numbers = {broadcast: rest for broadcast, *rest in counted}
    return [Progress(one, *numbers.get(one.pk, (0, 0, 0))) for one in broadcasts]


def count_users() -> dict[str, int]:
    """Return how many users of the tills are written to, ended it, and were sent back."""
    rows = Contact.objects.filter(purpose=Purpose.USERS).order_by()
    counted = dict(rows.values_list("status").annotate(number=Count("pk")))
    return {str(status): counted.get(str(status), 0) for status in ContactStatus}
