"""Reads of the inbox."""

from django.db.models import QuerySet

from notifications.models import Channel, Delivery


def count_unread(user_id: int) -> int:
    """Return how many messages of a person's inbox are unread."""
    return Delivery.objects.filter(recipient_id=user_id, channel=Channel.INBOX, read_at=None).count()


def list_inbox(user_id: int) -> QuerySet[Delivery]:
    """Return a person's messages with their events, newest first."""
    rows = Delivery.objects.filter(recipient_id=user_id, channel=Channel.INBOX).select_related("event")
    return rows.order_by("-pk")
