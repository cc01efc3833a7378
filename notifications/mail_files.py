"""Mails as files, where there is no mail server: one `.eml` each, which a mail program opens and a person can read."""

from collections.abc import Sequence
from email import message_from_bytes, policy
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from core import clock

#: Subjects and names in plain letters instead of base64.
READABLE = policy.SMTPUTF8.clone(refold_source="all", linesep="\n")


class EmailBackend(BaseEmailBackend):
    """Writes each mail into EMAIL_FILE_PATH."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        folder = Path(settings.EMAIL_FILE_PATH)
        folder.mkdir(parents=True, exist_ok=True)
        for one in email_messages:
            message = message_from_bytes(one.message().as_bytes(), policy=READABLE)
            name = f"{clock.now():%Y%m%d-%H%M%S}-{uuid4().hex[:8]}.eml"
            (folder / name).write_bytes(message.as_bytes())
        return len(email_messages)
