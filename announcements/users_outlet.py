"""The outlet to users of the tills: an announcement as mail to people who have no account here."""

from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from announcements.domain.lifecycle import Act
from announcements.domain.message import Message, Reach
from announcements.mail_words import KINDS, draw_mail, say_data
from announcements.outlets import Outlet, Published, find_actor
from core.errors import Refusal
from core.reasons import write_reason
from notifications.bulk_models import Broadcast, BroadcastStatus
from notifications.bulk_transitions import BROKEN_OFF, list_users, start_broadcast, steer_broadcast
from notifications.contact_models import Contact
from notifications.models import Delivery, DeliveryStatus, Event


def _list_readers(reach: Reach) -> QuerySet[Contact]:
    if not reach.is_at_sites:
        return Contact.objects.none()
    return list_users(site_keys=() if reach.is_everywhere else tuple(reach.site_keys))


def _list_told(message: Message) -> QuerySet[Contact]:
    """Return who got an earlier version, or was about to, and is still written to: a correction goes to nobody else."""
    rows = Delivery.objects.filter(event__dedupe_key__startswith=_key_of(message))
    told = rows.filter(Q(status__in=[DeliveryStatus.SENT, DeliveryStatus.SENDING]) | Q(last_error=BROKEN_OFF))
    return list_users().filter(pk__in=told.values("contact"))


def _break_off(message: Message, *, now: datetime) -> None:
    """Send no more of what does not hold any longer."""
    rows = Broadcast.objects.filter(event__dedupe_key__startswith=_key_of(message)).exclude(
        status=BroadcastStatus.ENDED
    )
    waiting = rows.filter(event__deliveries__status__in=[DeliveryStatus.PENDING, DeliveryStatus.SENDING])
    for broadcast_id in set(waiting.values_list("pk", flat=True)):
        steer_broadcast(
            broadcast_id=broadcast_id,
            status=BroadcastStatus.ENDED,
            actor=find_actor(message),
            reason=write_reason("announced", number=message.announcement_id),
            now=now,
        )


def _key_of(message: Message, number: int | str = "") -> str:
    return f"announcement-users:{message.announcement_id}:{number}"


def _event(message: Message) -> Event:
    # Who has no account opens no page of the portal, and knows no environments: it has no link and names none.
    data = {name: value for name, value in say_data(message).items() if name != "environment"}
    return Event(kind=KINDS[message.act], data=data, url="")


def _publish(message: Message, *, now: datetime) -> Published:
    if message.act is not Act.FIRST:
        _break_off(message, now=now)
    if message.act is Act.WITHDRAWAL:
        return Published()
    readers = list(_list_readers(message.reach) if message.act is Act.FIRST else _list_told(message))
    if not readers and message.act is not Act.FIRST:
        return Published()
    event = _event(message)
    event.dedupe_key, event.created_at = _key_of(message, message.number), now
    event.save()
    broadcast = start_broadcast(
        event=event,
        contacts=readers,
        actor=find_actor(message),
        reason=write_reason("announced", number=message.announcement_id),
        now=now,
    )
    return Published(broadcast.recipients, f"/broadcasts/{broadcast.pk}/")


def _check(message: Message, *, now: datetime) -> None:
    if not message.reach.is_at_sites:
        raise Refusal("announcement_at_no_site")
    if message.act is Act.FIRST and not _list_readers(message.reach).exists():
        raise Refusal("broadcast_for_nobody")


def _preview(message: Message, language: str) -> SafeString:
    return draw_mail(_event(message), language)


def _count(reach: Reach) -> int:
    return _list_readers(reach).count()


USERS = Outlet(
    key="users",
    label=_("Mail to users of the tills"),
    hint=_(
        "Addresses that were added under Broadcasts; each mail has a link that ends it. A mail that was sent stays so;"
        " taken back, the others are not."
    ),
    preview=_preview,
    publish=_publish,
    count=_count,
    check=_check,
)
