"""Writes of contacts: asked for twice before anything is sent, ended by one click, sent back once and for all."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from core.errors import InvalidInput, Refusal
from core.outbound import is_web_address
from core.sealing import seal
from notifications.contact_models import SEALED_CONTACT, Contact, ContactKind, ContactStatus, Purpose
from notifications.domain.boxes import hide_addresses
from notifications.models import Delivery, DeliveryStatus

MOST_CHARACTERS = 1_000
#: No mail goes to a longer one (RFC 5321).
MOST_MAIL_CHARACTERS = 254
#: Written by one statement.
BATCH = 1_000
#: What a delivery ends with whose reader has ended the subscription meanwhile.
NOT_WANTED = "the reader has ended it"


def hash_address(address: str) -> str:
    """Return the digest by which an address is found again; of a mail address whatever its case of letters."""
    return hashlib.sha256(address.strip().casefold().encode()).hexdigest()


@transaction.atomic
def ask_for(*, kind: ContactKind, address: str, language: str, topics: Sequence[str], now: datetime) -> Contact:
    """Note that somebody asks to be told of the status page, and return the contact.

    Nothing but the link that confirms is sent before it is confirmed. Asked for again, an active one stays as it is
    until then: whoever types somebody's address changes nothing of theirs.
    """
    address = check_address(kind, address)
    contact, is_new = Contact.objects.select_for_update().get_or_create(
        purpose=Purpose.STATUS,
        kind=kind,
        address_hash=hash_address(address),
        defaults={
            "status": ContactStatus.PENDING,
            "language": language,
            "topics": list(topics),
            "created_at": now,
            **_columns(kind, address),
        },
    )
    if is_new or contact.status == ContactStatus.ACTIVE:
        return contact
    for name, value in _columns(kind, address).items():
        setattr(contact, name, value)
    contact.status, contact.language, contact.topics = ContactStatus.PENDING, language, list(topics)
    contact.created_at, contact.ended_at, contact.confirmed_at, contact.bounce = now, None, None, ""
    contact.save()
    return contact


def check_address(kind: ContactKind, address: str) -> str:
    """Return an address without space around it; refuse what cannot be written to."""
    address = address.strip()
    most = MOST_CHARACTERS if kind == ContactKind.WEBHOOK else MOST_MAIL_CHARACTERS
    if len(address) > most or not address.isprintable():
        raise InvalidInput("contact_address_wrong")
    if kind == ContactKind.WEBHOOK:
        if not is_web_address(address):
            raise InvalidInput("endpoint_address_wrong")
        return address
    try:
        validate_email(address)
    except ValidationError:
        raise InvalidInput("email_invalid", email=address[:100]) from None
    return address


def _columns(kind: ContactKind, address: str) -> dict[str, str]:
    if kind == ContactKind.EMAIL:
        return {"email": address, "sealed_address": ""}
    return {"email": "", "sealed_address": seal(address, purpose=SEALED_CONTACT)}


@transaction.atomic
def confirm_contact(
    *, contact_id: int, now: datetime, language: str | None = None, topics: Sequence[str] | None = None
) -> Contact:
    """Begin to write, as it was asked for, to somebody who showed that the address is theirs; or change that."""
    contact = _lock(contact_id)
    if contact.status in {ContactStatus.ENDED, ContactStatus.BOUNCED}:
        raise Refusal("contact_ended")
    if contact.status == ContactStatus.PENDING:
        contact.status, contact.confirmed_at = ContactStatus.ACTIVE, now
    contact.language = contact.language if language is None else language
    contact.topics = contact.topics if topics is None else list(topics)
    contact.save(update_fields=["status", "confirmed_at", "language", "topics"])
    return contact


@transaction.atomic
def end_contact(*, contact_id: int, now: datetime) -> Contact:
    """Write to somebody no more, also not what waits to be sent; a second click changes nothing."""
    contact = _lock(contact_id)
    if contact.status in {ContactStatus.PENDING, ContactStatus.ACTIVE}:
        _end(contact, status=ContactStatus.ENDED, now=now)
    return contact


@transaction.atomic
def note_bounce(*, contact_id: int, said: str, now: datetime) -> Contact:
    """Note that nothing arrives at an address any more, and write to it no more."""
    contact = _lock(contact_id)
    if contact.status in {ContactStatus.PENDING, ContactStatus.ACTIVE}:
        contact.bounce = hide_addresses(said.replace("\x00", ""))[:300]
        _end(contact, status=ContactStatus.BOUNCED, now=now)
    return contact


def _end(contact: Contact, *, status: ContactStatus, now: datetime) -> None:
    contact.status, contact.ended_at, contact.email, contact.sealed_address = status, now, "", ""
    contact.save()
    waiting = Delivery.objects.filter(contact=contact, status=DeliveryStatus.PENDING)
    waiting.update(status=DeliveryStatus.DEAD, next_attempt_at=now, last_error=NOT_WANTED)


def _lock(contact_id: int) -> Contact:
    contact = Contact.objects.select_for_update().filter(pk=contact_id).first()
    if contact is None:
        raise InvalidInput("contact_unknown")
    return contact


@dataclass(frozen=True)
class Row:
    """A user of the tills, as a list has them."""

    email: str
    language: str = "fr"
    sites: Sequence[str] = ()


@dataclass(frozen=True)
class Added:
    """What became of a list of users: how many are new, changed, and left out since they ended it or bounced."""

    new: int
    changed: int
    left_out: int


@transaction.atomic
def add_users(rows: Collection[Row], *, now: datetime) -> Added:
    """Add users of the tills from a list that the team keeps; return what became of them.

    Left out is who ended it, or where mails were sent back; who is there already gets what the list says now.
    """
    wanted = {hash_address(check_address(ContactKind.EMAIL, row.email)): row for row in rows}
    rows_there = Contact.objects.select_for_update().filter(
        purpose=Purpose.USERS, kind=ContactKind.EMAIL, address_hash__in=wanted
    )
    there = {contact.address_hash: contact for contact in rows_there}
    left_out = sum(one.status in {ContactStatus.ENDED, ContactStatus.BOUNCED} for one in there.values())
    changed = [contact for digest, contact in there.items() if _follow(contact, wanted[digest])]
    Contact.objects.bulk_update(changed, ["language", "topics"], batch_size=BATCH)
    new = [_user(row, digest=digest, now=now) for digest, row in wanted.items() if digest not in there]
    Contact.objects.bulk_create(new, batch_size=BATCH)
    return Added(new=len(new), changed=len(changed), left_out=left_out)


def _follow(contact: Contact, row: Row) -> bool:
    """Give a user who is written to what the list says; False where that is so already."""
    wanted = (row.language, list(row.sites))
    if contact.status != ContactStatus.ACTIVE or (contact.language, contact.topics) == wanted:
        return False
    contact.language, contact.topics = wanted
    return True


def _user(row: Row, *, digest: str, now: datetime) -> Contact:
    return Contact(
        kind=ContactKind.EMAIL,
        purpose=Purpose.USERS,
        status=ContactStatus.ACTIVE,
        email=row.email.strip(),
        address_hash=digest,
        language=row.language,
        topics=list(row.sites),
        created_at=now,
        confirmed_at=now,
    )
