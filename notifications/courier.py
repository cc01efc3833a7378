"""Sends a claimed delivery, outside of any transaction."""

from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation

from notifications.labels import list_facts, say_body, say_next, say_subject
from notifications.models import Delivery


class NotSent(Exception):
    """A delivery failed. `is_final`: trying again cannot help; `is_service`: no other mail would go out now."""

    def __init__(self, text: str, *, is_final: bool, is_service: bool = False) -> None:
        super().__init__(text)
        self.is_final = is_final
        self.is_service = is_service


def send_email(delivery: Delivery) -> None:
    """Send one mail in its reader's language; raises NotSent."""
    reader = delivery.recipient
    if not reader.is_active or not reader.email:
        raise NotSent("the reader is inactive or has no address any more", is_final=True)
    try:
        message = compose(delivery)
        taken = message.send()
    except SMTPRecipientsRefused as error:
        answers = "; ".join(f"{code} {_decode(text)}" for code, text in error.recipients.values())
        is_final = all(code >= 500 for code, _text in error.recipients.values())
        raise NotSent(answers, is_final=is_final) from error
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
    """Return the mail in its reader's language, as plain text and as HTML.

    The Message-ID is the delivery's own, so that a second try after a crash is seen as the same mail.
    """
    event, reader = delivery.event, delivery.recipient
    with translation.override(reader.language):
        subject = say_subject(event)
        context = {
            "subject": subject,
            "body": say_body(event),
            "facts": list_facts(event),
            "next": say_next(event),
            "url": f"{settings.PUBLIC_URL}{event.url}" if event.url else "",
            "language": reader.language,
        }
        body = render_to_string("notifications/mail.txt", context)
        page = render_to_string("notifications/mail.html", context)
    message = EmailMultiAlternatives(
        subject=subject,
        body=body,
        to=[reader.email],
        headers={
            "Message-ID": f"<delivery-{delivery.pk}@release-portal>",
            "Auto-Submitted": "auto-generated",
            "Content-Language": reader.language,
        },
    )
    message.attach_alternative(page, "text/html")
    return message


def _decode(text: bytes | str) -> str:
    return text.decode(errors="replace") if isinstance(text, bytes) else text
