"""What the public page says, in no language yet: frozen values, equal where the page is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from statuspage.domain.history import Day
from statuspage.domain.states import Impact, Said, State


@dataclass(frozen=True)
class Words:
    """The same in both languages; where one is empty the other stands for it."""

    fr: str
    en: str

    def get(self, language: str) -> str:
        """Return them in a language, else in the other."""
        return (self.en or self.fr) if language == "en" else (self.fr or self.en)

    def find_language(self, language: str) -> str:
        """Return the language that they are really in where they are wanted in one."""
        own, other = (self.en, "fr") if language == "en" else (self.fr, "en")
        return language if own else other


@dataclass(frozen=True)
class ComponentFacts:
    id: int
    name: Words
    description: Words
    state: State
    position: int
    created_at: datetime
    updated_at: datetime
    counted_from: date
    days: Sequence[Day]
    uptime_bp: int | None


@dataclass(frozen=True)
class UpdateFacts:
    """A public word. `words` None: nobody spoke, fixed words stand for it; with `post_mortem` it is that one's link."""

    id: str
    said: Said
    at: datetime
    words: Words | None
    post_mortem: str = ""


@dataclass(frozen=True)
class IncidentFacts:
    """An incident that is public; `updates` newest first. `title`: of its published post-mortem, else empty."""

    id: int
    impact: Impact
    said: Said
    component_ids: Sequence[int]
    updates: Sequence[UpdateFacts]
    started_at: datetime
    created_at: datetime
    updated_at: datetime
    monitoring_at: datetime | None
    resolved_at: datetime | None
    title: str = ""


@dataclass(frozen=True)
class MaintenanceFacts:
    """Something planned that people may notice, at [starts_at, ends_at). `status` in the words of Statuspage v2.

    `has_end`: whether anybody said when it ends; else `ends_at` is when it is over by itself. `lingers`: over, and
    still to be read for a while.
    """

    id: str
    name: Words
    body: Words
    status: str
    component_ids: Sequence[int]
    starts_at: datetime
    ends_at: datetime
    created_at: datetime
    updated_at: datetime
    resolved_at: datetime | None = None
    has_end: bool = True
    lingers: bool = False


@dataclass(frozen=True)
class RolloutFacts:
    """A release on its way. `status`: running, paused, completed, rolled_back; `taken_back_at`: part of it was."""

    id: int
    version: str
    status: str
    phase: str
    sites_reached: int
    sites: int
    since: datetime
    taken_back_at: datetime | None


@dataclass(frozen=True)
class Facts:
    name: Words
    hotline: str
    url: str
    zone: str
    indicator: Impact
    updated_at: datetime
    components: Sequence[ComponentFacts]
    incidents: Sequence[IncidentFacts]
    maintenances: Sequence[MaintenanceFacts]
    rollouts: Sequence[RolloutFacts]
