"""What was given up is sent again, by those who may."""

from datetime import datetime

from django.db import transaction

from core.errors import InvalidInput, Refusal
from notifications.bulk_models import BroadcastStatus
from notifications.contact_models import ContactStatus
from notifications.models import Channel, Delivery, DeliveryStatus, EndpointStatus


@transaction.atomic
def send_again(*, delivery_id: int, now: datetime, recipient_id: int | None = None) -> Delivery:
    """Let the couriers try again what was given up; mails of one person only if `recipient_id` says so."""
    rows = Delivery.objects.select_for_update(of=("self",))
    rows = rows.select_related("recipient", "endpoint", "contact", "event__broadcast")
    rows = rows.exclude(channel=Channel.INBOX)
    delivery = (rows if recipient_id is None else rows.filter(recipient_id=recipient_id)).filter(pk=delivery_id).first()
    if delivery is None:
        raise InvalidInput("delivery_unknown", delivery=delivery_id)
    if delivery.status != DeliveryStatus.DEAD:
        raise Refusal("delivery_under_way", delivery=delivery_id)
    _check_reachable(delivery)
    delivery.status = DeliveryStatus.PENDING
    delivery.attempts = 0
    delivery.next_attempt_at = now
    delivery.save(update_fields=["status", "attempts", "next_attempt_at"])
    return delivery


def _check_reachable(delivery: Delivery) -> None:
    reader, endpoint = delivery.recipient, delivery.endpoint
    if reader is not None and (not reader.is_active or not reader.email):
        raise Refusal("reader_unreachable", reader=reader.username)
    contact, broadcast = delivery.contact, getattr(delivery.event, "broadcast", None)
    if contact is not None and contact.status not in {ContactStatus.PENDING, ContactStatus.ACTIVE}:
        raise Refusal("contact_ended")
    if contact is not None and broadcast is not None and broadcast.status == BroadcastStatus.ENDED:
        raise Refusal("broadcast_broken_off")
    if endpoint is not None and endpoint.status != EndpointStatus.ACTIVE:
        raise Refusal("endpoint_off", name=endpoint.name)
