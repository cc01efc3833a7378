"""An announcement as an outlet says it: words filled, audience counted. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from announcements.domain.kinds import Kind
from announcements.domain.lifecycle import Act

#: The portal's languages, and the one that is read instead.
LANGUAGES = ("fr", "en")
OTHER = {"fr": "en", "en": "fr"}


@dataclass(frozen=True)
class Text:
    """A title of one line and a body of several; empty where a language is left out."""

    title: str = ""
    body: str = ""

    @property
    def is_whole(self) -> bool:
        return bool(self.title and self.body)


@dataclass(frozen=True)
class Said:
    """What a reader gets: the words, the note of what was put right, and the language they are in."""

    text: Text
    note: str
    language: str


@dataclass(frozen=True)
class Reach:
    """Whom it is for: people of the portal, sites by key, their tills; `mails` of the people have an address."""

    user_ids: Collection[int] = ()
    mails: int = 0
    site_keys: Collection[str] = ()
    tills: int = 0
    is_everywhere: bool = False

    @property
    def people(self) -> int:
        return len(self.user_ids)

    @property
    def sites(self) -> int:
        return len(self.site_keys)

    @property
    def is_at_sites(self) -> bool:
        """Whether it is for anybody at a site; where it is not, no sites never mean all of them."""
        return self.is_everywhere or bool(self.site_keys)


@dataclass(frozen=True)
class Message:
    """One version of an announcement. `announcement_id` and `number` are 0 in a preview of what is not saved."""

    announcement_id: int
    number: int
    kind: Kind
    act: Act
    environment_id: int
    environment_key: str
    texts: Mapping[str, Text]
    notes: Mapping[str, str]
    outlets: Collection[str]
    reach: Reach
    roles: Collection[str] = ()
    hotline: str = ""
    next_update_at: datetime | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    rollout_id: int | None = None
    incident_id: int | None = None
    #: Who confirmed it; None where a program did.
    by_id: int | None = None
    is_rehearsal: bool = False
    one_language_reason: str = ""
    #: Places of the title without a value, by language: it is not said so.
    gaps: Mapping[str, Collection[str]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Return its page in the portal."""
        return f"/announcements/{self.announcement_id}/"

    def say(self, language: str) -> Said:
        """Return the words in a language, in the other one where it has none."""
        text, note = self.texts[language], self.notes.get(language, "")
        if text.is_whole:
            return Said(text, note or self.notes.get(OTHER[language], ""), language)
        other = OTHER[language]
        return Said(self.texts[other], self.notes.get(other, "") or note, other)

    def join(self, language: str) -> str:
        """Return the body in a language, a correction's note first; empty where it has none."""
        text, note = self.texts[language], self.notes.get(language, "")
        return "\n\n".join(part for part in (note, text.body) if part) if text.is_whole else ""
