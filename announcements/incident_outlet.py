"""The outlet to everybody who reads of an incident: its public word."""

from datetime import datetime

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from announcements.domain.kinds import WORD_STATUSES
from announcements.domain.message import Message, Reach
from announcements.outlets import Outlet, Published
from announcements.people_outlet import PEOPLE
from core.actors import person
from core.errors import InvalidInput
from core.models import User
from core.roles import Role
from incidents.models import Incident
from incidents.room_labels import WORD_STATUSES as STATUS_WORDS
from incidents.transitions.locking import check_text
from incidents.transitions.speaking import MAX_WORD_CHARACTERS, check_word, say_word
from notifications.domain.audience import CREW


def _words_of(message: Message) -> dict[str, str]:
    """Return the word in both languages."""
    return {"text_fr": message.join("fr"), "text_en": message.join("en")}


def _check(message: Message, *, now: datetime) -> None:
    incident = Incident.objects.filter(pk=message.incident_id or 0).first()
    if incident is None or message.kind not in WORD_STATUSES:
        raise InvalidInput("announcement_without_incident")
    if message.by_id is None:
        raise InvalidInput("word_needs_person")
    words = {name: check_text(text, limit=MAX_WORD_CHARACTERS) for name, text in _words_of(message).items()}
    check_word(
        incident,
        status=WORD_STATUSES[message.kind],
        next_at=message.next_update_at,
        now=now,
        one_language_reason=message.one_language_reason,
        **words,
    )


def _preview(message: Message, language: str) -> SafeString:
    said = message.say(language)
    with translation.override(language):
        context = {
            "status": STATUS_WORDS[WORD_STATUSES[message.kind]],
            "text": said.text.body,
            "note": said.note,
            "next_at": message.next_update_at,
            "language": said.language,
        }
        return render_to_string("announcements/_preview_word.html", context)


def _publish(message: Message, *, now: datetime) -> Published:
    """Say the word; who hears of it by this very announcement in the inbox is not told of the word again."""
    roles = {Role(role) for role in message.roles}
    is_told = PEOPLE.key not in message.outlets or not roles >= CREW.roles
    _check(message, now=now)
    words = _words_of(message)
    say_word(
        incident_id=message.incident_id or 0,
        status=WORD_STATUSES[message.kind],
        one_language_reason=message.one_language_reason,
        next_at=message.next_update_at,
        actor=person(User.objects.get(pk=message.by_id or 0)),
        now=now,
        tells_crew=is_told,
        text_fr=words["text_fr"],
        text_en=words["text_en"],
    )
    return Published(url=f"/incidents/{message.incident_id}/")


def _is_of_incident(message: Message) -> bool:
    return message.incident_id is not None and message.kind in WORD_STATUSES


def _count(_reach: Reach) -> int:
    return 0


INCIDENT = Outlet(
    key="incident",
    label=_("Public word of the incident"),
    hint=_("On the incident’s page, in its timeline and on the status page. It stays said."),
    preview=_preview,
    publish=_publish,
    count=_count,
    check=_check,
    fits=_is_of_incident,
    takes_back=False,
)
