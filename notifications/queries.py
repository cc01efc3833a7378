"""Reads of the outbox."""

from datetime import datetime

from django.db.models import QuerySet

from notifications.models import Channel, Delivery, DeliveryStatus


def count_unread(user_id: int) -> int:
    """Return how many messages of a person's inbox are unread."""
    return Delivery.objects.filter(recipient_id=user_id, channel=Channel.INBOX, read_at=None).count()


def list_inbox(user_id: int, *, only_unread: bool = False) -> QuerySet[Delivery]:
    """Return a person's messages with their events, newest first."""
    rows = Delivery.objects.filter(recipient_id=user_id, channel=Channel.INBOX).select_related("event")
    return (rows.filter(read_at=None) if only_unread else rows).order_by("-pk")


def count_given_up(*, since: datetime) -> int:
    """Return how many mails to active people were given up since a moment."""
    dead = Delivery.objects.filter(status=DeliveryStatus.DEAD, recipient__is_active=True)
    return dead.filter(next_attempt_at__gte=since).count()
