"""Sends a claimed delivery, outside of any transaction."""

from smtplib import SMTPException, SMTPRecipientsRefused

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import translation

from notifications.labels import say_body, say_subject
from notifications.models import Delivery


class NotSent(Exception):
    """A delivery failed; `is_final` tells whether trying again can help."""

    def __init__(self, text: str, *, is_final: bool) -> None:
        super().__init__(text)
        self.is_final = is_final


def send_email(delivery: Delivery) -> None:
    """Send one mail in its reader's language; raises NotSent.

    The Message-ID is the delivery's own, so that a second try after a crash is seen as the same mail.
    """
    event, reader = delivery.event, delivery.recipient
    with translation.override(reader.language):
        subject = " ".join(say_subject(event).split())
        body = render_to_string(
            "notifications/mail.txt",
            {
                "body": say_body(event),
                "url": f"{settings.PUBLIC_URL}{event.url}" if event.url else "",
                "reader": reader,
            },
        )
    message = EmailMessage(
        subject=subject,
        body=body,
        to=[reader.email],
        headers={"Message-ID": f"<delivery-{delivery.pk}@release-portal>"},
    )
    try:
        message.send()
    except SMTPRecipientsRefused as error:
        raise NotSent(str(error), is_final=all(code >= 500 for code, _ in error.recipients.values())) from error
    except (SMTPException, OSError) as error:
        raise NotSent(f"{type(error).__name__}: {error}", is_final=False) from error
