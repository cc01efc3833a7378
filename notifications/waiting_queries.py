"""Which deliveries are whose courier's, and whether it may have anything to do: one look before any lock is taken."""

from datetime import datetime

from django.db.models import Q

from notifications.models import Channel, Delivery, DeliveryStatus

#: The couriers' own rows: mails to people, parcels for endpoints, what goes to contacts.
MAILS = Q(channel=Channel.EMAIL, recipient__isnull=False)
PARCELS = Q(endpoint__isnull=False)
BULK = Q(contact__isnull=False)


def is_waiting(whose: Q, *, now: datetime) -> bool:
    """Tell whether any of a courier's rows is due, or was left by a courier that died.

    True as well for what rests: a paused broadcast, an endpoint that asked to be left alone. The courier knows.
    """
    due = Q(status=DeliveryStatus.PENDING, next_attempt_at__lte=now)
    lost = Q(status=DeliveryStatus.SENDING, leased_until__lte=now)
    return Delivery.objects.filter(whose, due | lost).exists()
