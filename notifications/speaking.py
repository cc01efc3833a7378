"""Events as messages of one language, for whatever channel writes them."""

from collections.abc import Sequence

from django.conf import settings
from django.utils import timezone, translation
from django.utils.formats import time_format
from django.utils.translation import gettext, ngettext

from notifications.domain.messages import Message
from notifications.domain.urgency import URGENT_KINDS
from notifications.labels import list_facts, say_body, say_next, say_subject
from notifications.models import Event


def say_message(event: Event, *, language: str, code: str = "", url: str = "", open_words: str = "") -> Message:
    """Return an event in words.

    `code`: what the reader of a test reads out; `url`, `open_words`: what it leads to for one reader, and its words.
    """
    with translation.override(language):
        facts = list_facts(event)
        if code:
            facts.append((gettext("Code"), code))
        return Message(
            subject=say_subject(event),
            body=say_body(event),
            next=say_next(event),
            facts=facts,
            url=url or (f"{settings.PUBLIC_URL}{event.url}" if event.url else ""),
            open_words=open_words or gettext("Open in the portal"),
            is_urgent=event.kind in URGENT_KINDS,
        )


def say_flood(events: Sequence[Event], *, language: str, path: str = "/told/", open_words: str = "") -> Message:
    """Return many events as one message: a line each, the oldest first, what is urgent marked; `path` has each."""
    with translation.override(language):
        lines = [_say_line(event) for event in events]
        subject = ngettext("%(n)s message at once", "%(n)s messages at once", len(events)) % {"n": len(events)}
        return Message(
            subject=f"{subject}: {say_subject(events[-1])}",
            body="\n".join(lines),
            url=f"{settings.PUBLIC_URL}{path}",
            open_words=open_words or gettext("Who was told what"),
            is_urgent=any(event.kind in URGENT_KINDS for event in events),
        )


def _say_line(event: Event) -> str:
    mark = "▲ " if event.kind in URGENT_KINDS else ""
    return f"{time_format(timezone.localtime(event.created_at))} {mark}{say_subject(event)}"
