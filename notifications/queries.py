"""Reads of the outbox."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Concat

from core.models import User
from core.roles import Role
from notifications.domain.audience import Audience
from notifications.models import Channel, Delivery, DeliveryStatus, Event


def list_people(audience: Audience) -> list[User]:
    """Return the active people of an audience; a superuser is an admin, with or without the group.

    Who is named is told as long as they have a role: who may open no page any more reads of none in a mail.
    """
    has_role = Q(groups__name__in=[str(role) for role in Role]) | Q(is_superuser=True)
    wanted = Q(groups__name__in=[str(role) for role in audience.roles]) | (Q(pk__in=audience.user_ids) & has_role)
    if Role.ADMIN in audience.roles:
        wanted |= Q(is_superuser=True)
    return list(User.objects.filter(wanted, is_active=True).distinct().order_by("pk"))


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
    return map_people_called([text])[text]


def map_people_called(texts: Collection[str]) -> dict[str, frozenset[int]]:
    """Return, by text, the active people whom it names as `find_people_called` does: one query, none for no text."""
    said = {text: text.strip().casefold() for text in texts}
    wanted = {text for text in said.values() if text}
    if not wanted:
        return {text: frozenset() for text in texts}
    people = User.objects.filter(is_active=True).annotate(full_name=Concat("first_name", Value(" "), "last_name"))
    called: dict[str, set[int]] = {text: set() for text in wanted}
    for pk, *names in people.values_list("pk", "full_name", "username", "email"):
        for name in {name.casefold() for name in names} & wanted:
            called[name].add(pk)
    return {text: frozenset(called.get(one, ())) for text, one in said.items()}
