"""Reads of the outbox."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Concat

from core.models import User
from notifications.models import Channel, Delivery, DeliveryStatus, Event


def count_unread(user_id: int) -> int:
    """Return how many messages of a person's inbox are unread."""
    return Delivery.objects.filter(recipient_id=user_id, channel=Channel.INBOX, read_at=None).count()


def list_inbox(user_id: int, *, only_unread: bool = False, kinds: Collection[str] | None = None) -> QuerySet[Delivery]:
    """Return a person's messages with their events, newest first; of some kinds only if asked."""
    rows = Delivery.objects.filter(recipient_id=user_id, channel=Channel.INBOX).select_related("event")
    if kinds is not None:
        rows = rows.filter(event__kind__in=kinds)
    return (rows.filter(read_at=None) if only_unread else rows).order_by("-pk")


def count_given_up(*, since: datetime) -> int:
    """Return how many mails to active people were given up since a moment."""
    dead = Delivery.objects.filter(status=DeliveryStatus.DEAD, recipient__is_active=True)
    return dead.filter(next_attempt_at__gte=since).count()


def list_given_up() -> QuerySet[Delivery]:
    """Return the mails to active people that were given up, newest first."""
    dead = Delivery.objects.filter(status=DeliveryStatus.DEAD, channel=Channel.EMAIL, recipient__is_active=True)
    return dead.select_related("event", "recipient").order_by("-next_attempt_at", "-pk")


def find_failed_mails(user_id: int, *, event_ids: Collection[int]) -> dict[int, Delivery]:
    """Return, by event, the mails of a person that were given up."""
    rows = Delivery.objects.filter(
        recipient_id=user_id, channel=Channel.EMAIL, status=DeliveryStatus.DEAD, event_id__in=event_ids
    )
    return {row.event_id: row for row in rows}


def list_told(*, dedupe_start: str) -> list[datetime]:
    """Return when the events were told whose keys begin so, the oldest first."""
    rows = Event.objects.filter(dedupe_key__startswith=dedupe_start)
    return list(rows.order_by("created_at", "pk").values_list("created_at", flat=True))


def find_people_called(text: str) -> frozenset[int]:
    """Return the active people whose full name, user name or e-mail address is just this, in any case of letters."""
    if not text.strip():
        return frozenset()
    people = User.objects.filter(is_active=True).annotate(full_name=Concat("first_name", Value(" "), "last_name"))
    names = Q(full_name__iexact=text.strip()) | Q(username__iexact=text.strip()) | Q(email__iexact=text.strip())
    return frozenset(people.filter(names).values_list("pk", flat=True))
