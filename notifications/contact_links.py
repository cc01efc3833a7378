"""The links by which contacts confirm and end: signed, so that nobody ends or confirms for somebody else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.urls import reverse

_CONFIRM = "notifications.contact.confirm"
_END = "notifications.contact.end"
#: A link to confirm is used at once, or asked for again; one to end stands in old mails, too.
CONFIRM_WITHIN = timedelta(hours=48)


@dataclass(frozen=True)
class Asked:
    """What a link confirms: whose subscription, and how it is wanted; None: as it stands."""

    contact_id: int
    language: str | None = None
    topics: Sequence[str] | None = None


def write_confirm_link(contact_id: int, *, language: str | None = None, topics: Sequence[str] | None = None) -> str:
    """Return the whole address of the page that confirms, and with it what was asked for."""
    token = signing.dumps([contact_id, language, topics], salt=_CONFIRM)
    return f"{settings.PUBLIC_URL}{reverse('notifications:confirm_contact', args=[token])}"


def write_end_link(contact_id: int) -> str:
    """Return the whole address that ends; for a mail's List-Unsubscribe as well (RFC 8058)."""
    token = signing.dumps(contact_id, salt=_END)
    return f"{settings.PUBLIC_URL}{reverse('notifications:end_contact', args=[token])}"


def read_confirm_link(token: str) -> Asked | None:
    """Return what a link confirms, None for a wrong or old one."""
    found = _read(token, salt=_CONFIRM, within=CONFIRM_WITHIN)
    return Asked(*found) if isinstance(found, list) else None


def read_end_link(token: str) -> int | None:
    """Return whose link it is, None for a wrong one."""
    found = _read(token, salt=_END, within=None)
    return found if isinstance(found, int) else None


def _read(token: str, *, salt: str, within: timedelta | None) -> object:
    try:
        return signing.loads(token, salt=salt, max_age=within)
    except signing.BadSignature:
        return None
