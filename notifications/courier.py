"""Sends a claimed delivery, outside of any transaction."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused
from types import MappingProxyType

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext

from notifications.digest_labels import list_sections
from notifications.domain.boxes import is_box_gone
from notifications.domain.messages import Message
from notifications.models import Delivery
from notifications.speaking import say_flood, say_message
from notifications.trial_codes import TEST_KIND, code_of


class NotSent(Exception):
    """A delivery failed. `is_final`: trying again cannot help; `is_service`: no other mail would go out now;
    `is_box`: its reader's box is gone, whatever is sent there; `asked_wait`: when its reader wants it tried again."""

    def __init__(
        self,
        text: str,
        *,
        is_final: bool,
        is_service: bool = False,
        is_box: bool = False,
        asked_wait: timedelta | None = None,
    ) -> None:
        super().__init__(text)
        self.asked_wait = asked_wait
        self.is_final = is_final
        self.is_service = is_service
        self.is_box = is_box


def send_email(deliveries: Sequence[Delivery]) -> None:
    """Send one mail in its reader's language, of one delivery or of a flood; raises NotSent."""
    reader = deliveries[0].reader
    if not reader.is_active or not reader.email:
        raise NotSent("the reader is inactive or has no address any more", is_final=True)
    hand_over(compose(deliveries[0]) if len(deliveries) == 1 else compose_flood(deliveries))


def hand_over(message: EmailMultiAlternatives) -> None:
    """Give a mail to the mail service; raises NotSent, which says whose fault it is."""
    try:
        taken = message.send()
    except SMTPRecipientsRefused as error:
        answers = "; ".join(f"{code} {_decode(text)}" for code, text in error.recipients.values())
        is_final = all(code >= 500 for code, _text in error.recipients.values())
        is_box = all(is_box_gone(_decode(text)) for _code, text in error.recipients.values())
        raise NotSent(answers, is_final=is_final, is_box=is_final and is_box) from error
    except SMTPDataError as error:
        raise NotSent(f"{error.smtp_code} {_decode(error.smtp_error)}", is_final=error.smtp_code >= 500) from error
    except (SMTPException, OSError) as error:
        # No connection, no answer, a refused sender or password: the service, not this mail.
        raise NotSent(f"{type(error).__name__}: {error}", is_final=False, is_service=True) from error
    except (ValueError, TypeError) as error:
        # A text or an address that no mail can carry.
        raise NotSent(f"{type(error).__name__}: {error}", is_final=True) from error
    if not taken:
        raise NotSent("the mail service took nothing", is_final=False, is_service=True)


def compose(delivery: Delivery) -> EmailMultiAlternatives:
    """Return the mail in its reader's language; a test's brings its code."""
    code = code_of(delivery.pk) if delivery.event.kind == TEST_KIND else ""
    language = delivery.reader.language
    said = say_message(delivery.event, language=language, code=code)
    return compose_mail(delivery, said, to=delivery.reader.email, language=language)


def compose_flood(deliveries: Sequence[Delivery]) -> EmailMultiAlternatives:
    """Return one mail that tells many events to one reader; it leads to their inbox, which has each.

    Its Message-ID is that of these deliveries together: with another beside them it is another mail.
    """
    first = deliveries[0]
    language = first.reader.language
    with translation.override(language):
        open_words = gettext("Open in the portal")
    said = say_flood(
        [one.event for one in deliveries],
        language=language,
        path=reverse("notifications:inbox"),
        open_words=open_words,
    )
    keys = " ".join(str(one.pk) for one in deliveries)
    name = hashlib.sha256(keys.encode()).hexdigest()[:32]
    headers = {"Message-ID": f"<flood-{name}@release-portal>", "X-Deliveries": keys}
    return compose_mail(first, said, to=first.reader.email, language=language, headers=headers)


def compose_mail(
    delivery: Delivery,
    said: Message,
    *,
    to: str,
    language: str,
    end_link: str = "",
    headers: Mapping[str, str] = MappingProxyType({}),
) -> EmailMultiAlternatives:
    """Return a delivery's mail as plain text and as HTML; `end_link` ends such mails for who has no account.

    The Message-ID is the delivery's own, so that a second try after a crash is seen as the same mail.
    """
    context: dict[str, object] = {
        "subject": said.subject,
        "body": said.body,
        "facts": said.facts,
        "next": said.next,
        "url": said.url,
        "open_words": said.open_words,
        "language": language,
        "end_link": end_link,
        "settings_url": f"{settings.PUBLIC_URL}{reverse('notifications:personal')}",
    }
    with translation.override(language):
        context["sections"] = list_sections(delivery.event, base=settings.PUBLIC_URL)
        body = render_to_string("notifications/mail.txt", context)
        page = render_to_string("notifications/mail.html", context)
    message = EmailMultiAlternatives(
        subject=said.subject,
        body=body,
        to=[to],
        headers={
            "Message-ID": f"<delivery-{delivery.pk}@release-portal>",
            "Auto-Submitted": "auto-generated",
            "Content-Language": language,
            **headers,
        },
    )
    message.attach_alternative(page, "text/html")
    return message


def _decode(text: bytes | str) -> str:
    return text.decode(errors="replace") if isinstance(text, bytes) else text
