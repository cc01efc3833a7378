"""The public page in one language: facts with their words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import formats, timezone, translation

from statuspage.domain.history import DAYS, Day
from statuspage.domain.states import OVER, Said, State
from statuspage.facts import ComponentFacts, Facts, IncidentFacts, MaintenanceFacts, RolloutFacts, UpdateFacts
from statuspage.labels import INCIDENTS, INDICATOR_SIGNS, INDICATORS, MAINTAINED, SIGNS, UNSPOKEN

LANGUAGES = ("fr", "en")
#: The public reads French first.
FIRST = "fr"
#: Incidents of so many days stand on the page itself; the rest in its history.
RECENT_DAYS = 14
#: Units of width that a day takes in the picture of its history.
BAR_STEP = 4
BARS_WIDTH = DAYS * BAR_STEP
FOLDERS: Mapping[str, str] = {"fr": "", "en": "en/"}


@dataclass(frozen=True)
class Update:
    """A public word; `language` is the one that it is really in."""

    id: str
    said: Said
    at: datetime
    body: str
    language: str


@dataclass(frozen=True)
class Incident:
    facts: IncidentFacts
    name: str
    updates: Sequence[Update]
    components: Sequence["Component"]
    link: str

    @property
    def is_over(self) -> bool:
        return self.facts.said in OVER


@dataclass(frozen=True)
class Component:
    """`uptime`: of its ninety days, empty where nothing was measured; `bars`: a day each, with its place."""

    facts: ComponentFacts
    name: str
    description: str
    uptime: str
    bars: Sequence[tuple[int, Day]]

    @property
    def troubled_days(self) -> list[Day]:
        """The days with something to tell, the newest first."""
        return [day for day in reversed(self.facts.days) if day.minutes]


@dataclass(frozen=True)
class Maintenance:
    """Something planned; `language` is the one that its words are really in."""

    facts: MaintenanceFacts
    name: str
    body: str
    language: str
    components: Sequence[Component]
    link: str

    @property
    def is_of_one_day(self) -> bool:
        """Whether it ends on the day on which it begins, on the page's clock."""
        return timezone.localdate(self.facts.starts_at) == timezone.localdate(self.facts.ends_at)


@dataclass(frozen=True)
class DayOfIncidents:
    """A civil day with what happened on it, which may be nothing."""

    on: date
    incidents: Sequence[Incident]


@dataclass(frozen=True)
class Page:
    """Everything that is shown, in one language. `base`: address of this language's folder, ending in a slash."""

    facts: Facts
    language: str
    name: str
    description: str
    base: str
    components: Sequence[Component]
    incidents: Sequence[Incident]
    maintenances: Sequence[Maintenance]

    @property
    def subscribe_url(self) -> str:
        """Where readers ask to be told: at the portal, wherever this copy lies."""
        return f"{settings.PUBLIC_URL}/status/subscribe/?lang={self.language}"

    @property
    def rollouts(self) -> Sequence[RolloutFacts]:
        return self.facts.rollouts

    @property
    def unresolved(self) -> list[Incident]:
        return [one for one in self.incidents if not one.is_over]

    @property
    def upcoming(self) -> list[Maintenance]:
        return [one for one in self.maintenances if one.facts.status == "scheduled"]

    @property
    def active(self) -> list[Maintenance]:
        return [one for one in self.maintenances if one.facts.status in {"in_progress", "verifying"}]

    @property
    def just_over(self) -> list[Maintenance]:
        return [one for one in self.maintenances if one.facts.lingers]

    @property
    def sign(self) -> str:
        """The sign beside the page's summary."""
        return SIGNS[State.MAINTENANCE] if _is_maintained(self.facts) else INDICATOR_SIGNS[self.facts.indicator]

    @property
    def recent_days(self) -> list[DayOfIncidents]:
        """The last days, today first, each with the incidents that were over by now and began on it."""
        zone = ZoneInfo(self.facts.zone)
        over = [one for one in self.incidents if one.is_over]
        by_day = {
            day: list(found)
            for day, found in groupby(over, key=lambda one: one.facts.started_at.astimezone(zone).date())
        }
        last = max((component.facts.days[-1].on for component in self.components), default=None)
        if last is None:
            return []
        days = [last - timedelta(days=back) for back in range(RECENT_DAYS)]
        return [DayOfIncidents(day, by_day.get(day, [])) for day in days]

    @property
    def has_recent(self) -> bool:
        """Whether anything was over within the last days."""
        return any(day.incidents for day in self.recent_days)

    @property
    def is_measured(self) -> bool:
        """Whether any history is known."""
        return any(component.facts.uptime_bp is not None for component in self.components)


def compose_page(facts: Facts, language: str) -> Page:
    """Return the page in a language."""
    with translation.override(language):
        base = f"{facts.url}/{FOLDERS[language]}"
        components = [_compose_component(one, language) for one in facts.components]
        by_id = {one.facts.id: one for one in components}
        return Page(
            facts=facts,
            language=language,
            name=facts.name.get(language),
            description=str(MAINTAINED if _is_maintained(facts) else INDICATORS[facts.indicator]),
            base=base,
            components=components,
            incidents=[_compose_incident(one, by_id, language, base) for one in facts.incidents],
            maintenances=[_compose_maintenance(one, by_id, language, base) for one in facts.maintenances],
        )


def _is_maintained(facts: Facts) -> bool:
    """Tell whether maintenance is all that there is to say of the components together."""
    return facts.indicator == "none" and any(one.state is State.MAINTENANCE for one in facts.components)


def _compose_component(facts: ComponentFacts, language: str) -> Component:
    uptime = (
        ""
        if facts.uptime_bp is None
        else formats.number_format(facts.uptime_bp / 100, 2 if facts.uptime_bp % 100 else 0)
    )
    bars = [(number * BAR_STEP, day) for number, day in enumerate(facts.days)]
    return Component(facts, facts.name.get(language), facts.description.get(language), uptime, bars)


def _compose_incident(facts: IncidentFacts, by_id: Mapping[int, Component], language: str, base: str) -> Incident:
    components = [by_id[key] for key in facts.component_ids]
    name = facts.title or _with_names(str(INCIDENTS[facts.impact]), components)
    updates = [_compose_update(one, language) for one in facts.updates]
    return Incident(facts, name, updates, components, f"{base}history.html#incident-{facts.id}")


def _with_names(words: str, components: Sequence[Component]) -> str:
    names = ", ".join(one.name for one in components)
    between = "\u00a0: " if translation.get_language() == "fr" else ": "
    return f"{words}{between}{names}" if names else words


def _compose_update(facts: UpdateFacts, language: str) -> Update:
    if facts.words is None:
        link = f"{settings.PUBLIC_URL}{facts.post_mortem}"
        body = str(UNSPOKEN[facts.said]) % ({"url": link} if facts.post_mortem else {})
        return Update(facts.id, facts.said, facts.at, body, language)
    return Update(facts.id, facts.said, facts.at, facts.words.get(language), facts.words.find_language(language))


def _compose_maintenance(
    facts: MaintenanceFacts, by_id: Mapping[int, Component], language: str, base: str
) -> Maintenance:
    components = [by_id[key] for key in facts.component_ids]
    name, body = facts.name.get(language), facts.body.get(language)
    spoken = facts.body.find_language(language)
    return Maintenance(facts, name, body, spoken, components, f"{base}index.html#maintenance-{facts.id}")
