"""Whether an announcement can be said as it is, and whether whoever confirms it saw to how many."""

from datetime import datetime

from announcements.default_words import HINTS
from announcements.domain.confirming import is_confirmed
from announcements.domain.kinds import OF_ROLLOUT, OF_WINDOW, WORD_STATUSES
from announcements.domain.lifecycle import Act
from announcements.domain.message import LANGUAGES, Message
from announcements.models.versions import LONGEST_FILLED_TITLE
from announcements.outlets import Outlet, count_readers, get_outlets
from core.errors import InvalidInput, Refusal


def check_sayable(message: Message, *, now: datetime) -> list[Outlet]:
    """Return the outlets of a message that can go out; refuse the first thing that is missing or wrong.

    For what is said or put right; taking back says nothing new, and is always possible.
    """
    _check_words(message)
    _check_subject(message, now=now)
    outlets = get_outlets(message.outlets)
    if not outlets:
        raise InvalidInput("announcement_without_outlet")
    for outlet in outlets:
        if message.is_rehearsal and outlet.is_public:
            raise Refusal("announcement_of_exercise", outlet=str(outlet.label))
        if not outlet.fits(message):
            raise Refusal("outlet_unfit", outlet=str(outlet.label))
        outlet.check(message, now=now)
    if all(not outlet.is_public for outlet in outlets) and not count_readers(outlets, message.reach):
        raise Refusal("announcement_for_nobody")
    return outlets


def check_confirmed(message: Message, outlets: list[Outlet], *, confirmed: int | None) -> None:
    """Refuse where many read it and another number was confirmed than reads it now."""
    readers = count_readers(outlets, message.reach)
    if not is_confirmed(readers, confirmed):
        raise Refusal("announcement_unconfirmed", readers=readers)


def _check_words(message: Message) -> None:
    whole = [language for language in LANGUAGES if message.texts[language].is_whole]
    if not whole:
        raise InvalidInput("announcement_without_words")
    unwritten = [language for language in LANGUAGES if HINTS[language] in message.texts[language].body]
    if unwritten:
        raise InvalidInput("announcement_hint_left", language=unwritten)
    for language in LANGUAGES:
        text = message.texts[language]
        if bool(text.title) != bool(text.body):
            missing = "body" if text.title else "title"
            raise InvalidInput("announcement_half_said", language=language, missing=missing)
        if message.gaps.get(language) and text.is_whole:
            raise InvalidInput("placeholder_empty", name=next(iter(message.gaps[language])))
        if len(text.title) > LONGEST_FILLED_TITLE:
            raise InvalidInput("announcement_too_long", limit=LONGEST_FILLED_TITLE)
    if len(whole) < len(LANGUAGES) and not message.one_language_reason:
        raise InvalidInput("announcement_in_one_language")
    if message.act is not Act.FIRST and not any(message.notes.values()):
        raise InvalidInput("announcement_note_missing")


def _check_subject(message: Message, *, now: datetime) -> None:
    if message.kind in OF_ROLLOUT and message.rollout_id is None:
        raise InvalidInput("announcement_without_rollout")
    if message.kind in WORD_STATUSES and message.incident_id is None:
        raise InvalidInput("announcement_without_incident")
    if message.kind in OF_WINDOW and message.starts_at is None:
        raise InvalidInput("announcement_without_window")
    if message.next_update_at is not None and message.next_update_at <= now:
        raise InvalidInput("announcement_promise_past")
