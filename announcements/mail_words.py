"""An announcement as a message of the outbox: what it holds, and a mail about it as its reader sees it."""

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString

from announcements.domain.lifecycle import Act
from announcements.domain.message import Message
from notifications.labels import list_facts, say_body, say_next, say_subject
from notifications.models import Event

KINDS = {
    Act.FIRST: "announcement",
    Act.CORRECTION: "announcement_corrected",
    Act.WITHDRAWAL: "announcement_withdrawn",
}


def say_data(message: Message) -> dict[str, object]:
    """Return what a message of the outbox holds of an announcement: words in both languages, chosen when it is read."""
    fr, en = message.texts["fr"], message.texts["en"]
    moment = message.next_update_at
    is_named = all(message.hotline in text.body for text in (fr, en) if text.is_whole)
    return {
        "environment": message.environment_key,
        "announced_title": {"fr": fr.title if fr.is_whole else "", "en": en.title if en.is_whole else ""},
        "announced_text": {"fr": fr.body if fr.is_whole else "", "en": en.body if en.is_whole else ""},
        "announced_note": dict(message.notes),
        "is_rehearsal": message.is_rehearsal,
        **({"hotline": message.hotline} if message.hotline and not is_named else {}),
        **({"next_update": moment.isoformat(timespec="minutes")} if moment else {}),
    }


def draw_mail(event: Event, language: str) -> SafeString:
    """Return a mail about an event as its reader sees it."""
    with translation.override(language):
        context = {
            "subject": say_subject(event),
            "body": say_body(event),
            "facts": list_facts(event),
            "next": say_next(event),
            "url": event.url,
            "language": language,
        }
        return render_to_string("announcements/_preview_mail.html", context)
