"""Readers of the status page subscribe, and are told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from notifications.bulk_transitions import address_contacts
from notifications.contact_links import CONFIRM_WITHIN
from notifications.contact_models import Contact, ContactKind, ContactStatus, Purpose
from notifications.contact_transitions import ask_for, end_contact
from notifications.domain.urgency import Priority
from notifications.models import Delivery, Event

CONFIRM_KIND = "subscription_confirm"
#: Whoever asks again and again for somebody's address sends them one mail in so long.
ASKED_AGAIN_AFTER = timedelta(minutes=15)
MOST_A_DAY = 3
#: Deleted by one transaction.
BATCH = 500


@transaction.atomic
def subscribe(
    *,
    kind: ContactKind,
    address: str,
    language: str,
    topics: Sequence[str],
    now: datetime,
    page: Mapping[str, str],
    url: str = "",
) -> None:
    """Send whoever has an address a link by which they confirm; says nothing of who is subscribed already.

    `page`: what the page that they asked on is called, by language; `url`: where it is.
    """
    contact = ask_for(kind=kind, address=address, language=language, topics=topics, now=now)
    asked = Event.objects.filter(kind=CONFIRM_KIND, deliveries__contact=contact, created_at__gt=now - timedelta(days=1))
    if asked.count() >= MOST_A_DAY:
        return
    slot = int(now.timestamp() // ASKED_AGAIN_AFTER.total_seconds())
    event, is_new = Event.objects.get_or_create(
        dedupe_key=f"{CONFIRM_KIND}:{contact.pk}:{slot}",
        defaults={
            "kind": CONFIRM_KIND,
            "data": {"language": language, "topics": list(topics), "page": dict(page)},
            "url": url,
            "created_at": now,
        },
    )
    if is_new:
        address_contacts(event, [contact], now=now, priority=Priority.URGENT)


@dataclass(frozen=True)
class AskedOn:
    """The page on which a reader asked to be told: what it is called by language, and where it is."""

    name: Mapping[str, str]
    url: str


def find_asked_on(contact: Contact) -> AskedOn | None:
    """Return on which page a reader asked last, None where nothing says so: one query."""
    asked = Event.objects.filter(kind=CONFIRM_KIND, deliveries__contact=contact).order_by("-pk").first()
    name = asked.data.get("page") if asked else None
    return AskedOn(name, asked.url) if asked and name else None


@transaction.atomic
def forget_unconfirmed(*, now: datetime) -> int:
    """Delete addresses that nobody confirmed while their link held, with the deliveries; return how many.

    That somebody asked stays, as an event that names no address: events are only added. Who was written to before,
    and asked again, is only ended: what they were told stays in the ledger.
    """
    old = Contact.objects.select_for_update(skip_locked=True).filter(
        purpose=Purpose.STATUS, status=ContactStatus.PENDING, created_at__lt=now - CONFIRM_WITHIN
    )
    keys = [contact.pk for contact in old[:BATCH]]
    Delivery.objects.filter(contact__in=keys, event__kind=CONFIRM_KIND).delete()
    for contact_id in set(Delivery.objects.filter(contact__in=keys).values_list("contact", flat=True)):
        end_contact(contact_id=contact_id, now=now)
    Contact.objects.filter(pk__in=keys, status=ContactStatus.PENDING).delete()
    return len(keys)


@transaction.atomic
def tell_subscribers(
    *, kind: str, data: Mapping[str, object], topics: Sequence[str], dedupe_key: str, url: str, now: datetime
) -> Event | None:
    """Tell the status page's confirmed readers of these topics, and those of all; None where it was told before."""
    event, is_new = Event.objects.get_or_create(
        dedupe_key=dedupe_key, defaults={"kind": kind, "data": dict(data), "url": url, "created_at": now}
    )
    if not is_new:
        return None
    readers = Contact.objects.filter(purpose=Purpose.STATUS, status=ContactStatus.ACTIVE)
    if topics:
        readers = readers.filter(Q(topics=[]) | Q(topics__overlap=list(topics)))
    address_contacts(event, readers.order_by("pk"), now=now, priority=Priority.USUAL)
    return event
