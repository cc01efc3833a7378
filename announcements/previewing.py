"""What an announcement would look like, by every outlet and in both languages, and to how many it goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.safestring import SafeString

from announcements.domain.confirming import Ask, ask_for
from announcements.domain.message import LANGUAGES, Message
from announcements.messages import compose_message
from announcements.models import Announcement
from announcements.outlets import Outlet, count_readers, get_outlets
from announcements.transitions.checking import check_sayable
from announcements.transitions.drafting import Content, fill_draft
from core.errors import Refusal
from core.labels import say_refusal
from flags.models import Environment


@dataclass(frozen=True)
class Sample:
    """One outlet: how many read it there, and what they see, by language."""

    outlet: Outlet
    readers: int
    sides: Sequence[tuple[str, SafeString]]


@dataclass(frozen=True)
class Preview:
    """Everything before it is said. `readers`: people and tills together, what is confirmed; `missing`: why not yet."""

    message: Message
    samples: Sequence[Sample]
    readers: int
    missing: str

    @property
    def ask(self) -> Ask:
        return ask_for(self.readers)


def preview_content(
    content: Content, *, environment: Environment, draft: Announcement | None, by_id: int | None, now: datetime
) -> Preview:
    """Return the preview of what a form says, saved or not; refuses what cannot stand in a draft."""
    shown = Announcement(environment=environment, author_id=by_id, created_at=now, pk=draft.pk if draft else None)
    fill_draft(shown, content)
    return preview_announcement(shown, by_id=by_id, now=now)


def preview_announcement(announcement: Announcement, *, by_id: int | None, now: datetime) -> Preview:
    """Return the preview of a draft."""
    return preview_message(compose_message(announcement, by_id=by_id, now=now), now=now)


def preview_message(message: Message, *, now: datetime) -> Preview:
    """Return how a message looks by each of its outlets; what it lacks is said, not raised."""
    missing = ""
    try:
        check_sayable(message, now=now)
    except Refusal as refusal:
        missing = say_refusal(refusal)
    outlets = get_outlets(message.outlets)
    is_said = any(message.texts[language].is_whole for language in LANGUAGES)
    samples = [
        Sample(
            outlet,
            outlet.count(message.reach),
            [(language, outlet.preview(message, language)) for language in LANGUAGES],
        )
        for outlet in outlets
        if is_said and outlet.fits(message)
    ]
    return Preview(message, samples, count_readers(outlets, message.reach), missing)
