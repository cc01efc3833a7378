"""What support says now, while an incident runs: from its last public word and what is switched off."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from flags.models import Environment, FlagState
from incidents.call_back_words import OpenFacts, write_meanwhile
from incidents.domain.lifecycle import RUNNING, Status
from incidents.models import Incident, IncidentUpdate
from incidents.timeline_queries import map_last_updates

#: Of more that run at once, only the newest stand beside a call.
MOST_RUNNING = 5


@dataclass(frozen=True)
class SayNow:
    """Ready words about a running incident, and when the public was last told something."""

    incident: Incident
    french: str
    english: str
    word_at: datetime | None

    @property
    def name(self) -> str:
        """Its part of ids on a page."""
        return f"now-{self.incident.pk}"


def list_say_now(environment: Environment | None, *, now: datetime) -> list[SayNow]:
    """Return what to say of each real incident that runs in an environment, in all with None: at most three queries."""
    rows = Incident.objects.filter(status__in=RUNNING, is_rehearsal=False)
    rows = rows if environment is None else rows.filter(environment=environment)
    return draw_say_now(list(rows.select_related("environment").order_by("-pk")[:MOST_RUNNING]), now=now)


def draw_say_now(incidents: Sequence[Incident], *, now: datetime) -> list[SayNow]:
    """Return what to say of each of these running incidents: at most two queries, none for none."""
    if not incidents:
        return []
    updates = map_last_updates([incident.pk for incident in incidents])
    keys = {key for incident in incidents for key in incident.flag_keys}
    states = FlagState.objects.filter(
        flag__key__in=keys, environment__in={one.environment_id for one in incidents}, killed_at__isnull=False
    )
    off = {(one.environment_id, one.flag.key): one for one in states.select_related("flag")} if keys else {}
    return [_draw(incident, update=updates.get(incident.pk), off=off, now=now) for incident in incidents]


def _draw(
    incident: Incident, *, update: IncidentUpdate | None, off: dict[tuple[int, str], FlagState], now: datetime
) -> SayNow:
    states = [state for key in incident.flag_keys if (state := off.get((incident.environment_id, key)))]
    switched = [(state.flag.name, state.killed_at) for state in states if state.killed_at is not None]
    words = {"fr": "", "en": ""}
    if update is not None:
        words = {"fr": update.text_fr or update.text_en, "en": update.text_en or update.text_fr}
    texts = {
        language: write_meanwhile(
            OpenFacts(
                is_mitigated=incident.status == Status.MITIGATED,
                word=words[language].strip(),
                off=switched,
                zone=timezone.get_default_timezone_name(),
                now=now,
            ),
            language=language,
        )
        for language in words
    }
    return SayNow(incident, texts["fr"], texts["en"], update.at if update else None)
