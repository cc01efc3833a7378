"""Mails that come back: a report is read (RFC 3464), and the address that it is about is written to no more.

The envelope's sender carries the delivery and a signature: who forges a report ends nobody's mails.
"""

import email.policy
import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from notifications.domain.boxes import is_box_gone

_SALT = "notifications.bounce"
_TOKEN = re.compile(r"\+(\d{1,18})\.([0-9a-f]{20})@", re.IGNORECASE)


@dataclass(frozen=True)
class Bounce:
    """Which delivery came back, and what was said of it. `is_final`: nothing will ever arrive there."""

    delivery_id: int
    said: str
    is_final: bool


def sender_of(delivery_id: int) -> str | None:
    """Return the envelope's sender of a delivery's mail, None where no mailbox for what comes back is set."""
    if not settings.BOUNCE_ADDRESS:
        return None
    box, _, host = settings.BOUNCE_ADDRESS.partition("@")
    return f"{box}+{delivery_id}.{_sign(delivery_id)}@{host}"


def read_bounce(raw: bytes) -> Bounce | None:
    """Return what a mail that came back says; None where it is none of ours, or reports nothing."""
    message = message_from_bytes(raw, policy=email.policy.default)
    delivery_id = _find_delivery(message)
    if delivery_id is None:
        return None
    for part in message.walk():
        if part.get_content_type() == "message/delivery-status":
            return _read_status(delivery_id, part)
    return None


def _find_delivery(message: EmailMessage) -> int | None:
    for name in ("Delivered-To", "X-Original-To", "To"):
        for value in message.get_all(name, []):
            found = _TOKEN.search(str(value))
            if found and constant_time_compare(found[2].lower(), _sign(int(found[1]))):
                return int(found[1])
    return None


def _read_status(delivery_id: int, part: EmailMessage) -> Bounce | None:
    """Read the fields of the recipient, which stand in the report's later blocks."""
    blocks = part.get_payload()
    for block in blocks if isinstance(blocks, list) else []:
        if isinstance(block, str):
            continue
        action, status = str(block.get("Action", "")).strip().lower(), str(block.get("Status", "")).strip()
        if action:
            said = " ".join(str(block.get("Diagnostic-Code", status)).split())
            return Bounce(delivery_id, said[:300], is_final=action == "failed" and is_box_gone(status))
    return None


def _sign(delivery_id: int) -> str:
    return salted_hmac(_SALT, str(delivery_id), algorithm="sha256").hexdigest()[:20]
