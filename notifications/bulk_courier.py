"""Sends contacts what was claimed: mails over one connection, programs each with a call of its own."""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import translation
from django.utils.translation import gettext

from core.sealing import Unsealable, unseal
from notifications.bounces import sender_of
from notifications.contact_links import write_confirm_link, write_end_link
from notifications.contact_models import SEALED_CONTACT, Contact
from notifications.courier import NotSent, compose_mail, hand_over
from notifications.domain.answers import Verdict
from notifications.domain.messages import Message
from notifications.models import Channel, Delivery
from notifications.posting import post_json
from notifications.speaking import say_message
from notifications.subscribing import CONFIRM_KIND

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What came of one delivery. `is_gone`: the address takes nothing any more."""

    delivery: Delivery
    fault: NotSent | None = None
    is_gone: bool = False


def send_batch(deliveries: Sequence[Delivery], *, may_send: Callable[[Delivery], bool]) -> Iterator[Outcome]:
    """Send a batch, and tell of each what came of it; ends where the mail service itself fails.

    `may_send` is asked just before each: what is another courier's by then, or is no longer wanted, is passed over.
    """
    connection = get_connection()
    try:
        for delivery in deliveries:
            if not may_send(delivery):
                continue
            outcome = _send(delivery, connection)
            yield outcome
            if outcome.fault is not None and outcome.fault.is_service:
                return
    finally:
        connection.close()


def _send(delivery: Delivery, connection: BaseEmailBackend) -> Outcome:
    try:
        if delivery.channel == Channel.WEBHOOK:
            return _call(delivery)
        connection.open()
        hand_over(_compose(delivery, connection))
    except NotSent as fault:
        return Outcome(delivery, fault, is_gone=fault.is_box)
    except OSError as error:
        return Outcome(delivery, NotSent(type(error).__name__, is_final=False, is_service=True))
    except Exception as error:
        # Whatever it is, it is this one's: the others must not wait behind it.
        log.exception("delivery %s: not sent", delivery.pk)
        return Outcome(delivery, NotSent(type(error).__name__, is_final=False))
    return Outcome(delivery)


def _contact(delivery: Delivery) -> Contact:
    if delivery.contact is None:
        raise TypeError(f"delivery {delivery.pk} is for no contact")
    return delivery.contact


def _compose(delivery: Delivery, connection: BaseEmailBackend) -> EmailMultiAlternatives:
    contact, end_link = _contact(delivery), write_end_link(delivery.contact_id or 0)
    if not contact.email:
        raise NotSent("the reader has ended it", is_final=True)
    message = compose_mail(
        delivery,
        _say(delivery, contact),
        to=contact.email,
        language=contact.language,
        end_link=end_link,
        headers={
            "List-Unsubscribe": f"<{end_link}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Precedence": "bulk",
        },
    )
    message.connection = connection
    sender = sender_of(delivery.pk)
    if sender is not None:
        message.extra_headers["From"], message.from_email = settings.DEFAULT_FROM_EMAIL, sender
    return message


def _say(delivery: Delivery, contact: Contact) -> Message:
    """Return the words; the link that confirms is made when it is sent, so that the ledger holds none."""
    event, url = delivery.event, ""
    with translation.override(contact.language):
        open_words = gettext("Read on") if event.kind != CONFIRM_KIND else gettext("Confirm here")
    if event.kind == CONFIRM_KIND:
        url = write_confirm_link(contact.pk, language=event.data.get("language"), topics=event.data.get("topics"))
    return say_message(event, language=contact.language, url=url, open_words=open_words)


def _call(delivery: Delivery) -> Outcome:
    contact = _contact(delivery)
    try:
        url = unseal(contact.sealed_address, purpose=SEALED_CONTACT)
    except Unsealable:
        return Outcome(delivery, NotSent("the stored address does not open", is_final=True))
    # Strangers typed it: what the team lets its own addresses reach inside is not for them.
    result = post_json(url, body=_write(delivery, contact), headers={}, networks=settings.SUBSCRIBER_NETWORKS)
    if result.verdict is Verdict.TAKEN:
        return Outcome(delivery)
    fault = NotSent(result.error, is_final=result.verdict is not Verdict.LATER, asked_wait=result.wait)
    return Outcome(delivery, fault, is_gone=result.verdict is Verdict.CLOSED)


def _write(delivery: Delivery, contact: Contact) -> bytes:
    message = _say(delivery, contact)
    body = {
        "id": f"delivery-{delivery.pk}",
        "created_at": delivery.event.created_at.isoformat(),
        "title": message.subject,
        "body": message.body,
        "url": message.url,
        "unsubscribe": write_end_link(contact.pk),
    }
    return json.dumps(body, ensure_ascii=False).encode()
