"""What the public is told of an incident, and by when it hears the next word."""

from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.errors import InvalidInput, Refusal
from incidents.domain.tiers import Tier
from incidents.domain.words import WordStatus, can_promise
from incidents.models import Incident, IncidentUpdate
from incidents.timeline_queries import find_last_update
from incidents.transitions.locking import add_entry, check_not_closed, check_text, get_locked_incident
from incidents.transitions.telling import tell_word

MAX_WORD_CHARACTERS = 2_000
MAX_REASON_CHARACTERS = 300


@transaction.atomic
def say_word(
    *,
    incident_id: int,
    status: WordStatus,
    text_fr: str,
    text_en: str,
    actor: Actor,
    now: datetime,
    one_language_reason: str = "",
    next_at: datetime | None = None,
    seen: int | None = None,
    tells_crew: bool = True,
) -> IncidentUpdate:
    """Record a public word, in both languages or in one with a reason; `next_at` is when the next one is promised.

    Refuses where somebody spoke since `seen`, the number of the last word that the person read (0: none). Without
    `tells_crew` nobody gets a message: whoever calls tells them otherwise.
    """
    texts = {
        "text_fr": check_text(text_fr, limit=MAX_WORD_CHARACTERS),
        "text_en": check_text(text_en, limit=MAX_WORD_CHARACTERS),
        "one_language_reason": check_text(one_language_reason, limit=MAX_REASON_CHARACTERS),
    }
    if actor.user_id is None:
        raise InvalidInput("word_needs_person")
    incident = get_locked_incident(incident_id)
    check_word(incident, status=status, next_at=next_at, now=now, **texts)
    last = find_last_update(incident_id)
    if seen is not None and seen != (0 if last is None else last.pk):
        raise Refusal("word_said_meanwhile")
    update = IncidentUpdate.objects.create(
        incident=incident, status=status, next_at=next_at, at=now, by_id=actor.user_id, **texts
    )
    said = {"status": str(status), "update": update.pk, **{name: texts[name] for name in ("text_fr", "text_en")}}
    add_entry(incident, code="word_said", actor=actor, now=now, data=said)
    if tells_crew:
        tell_word(incident, update=update, now=now)
    return update


def check_word(
    incident: Incident,
    *,
    status: WordStatus,
    next_at: datetime | None,
    now: datetime,
    text_fr: str,
    text_en: str,
    one_language_reason: str,
) -> None:
    """Refuse a word that cannot be said of an incident as it is."""
    check_not_closed(incident)
    if not text_fr and not text_en:
        raise InvalidInput("word_empty")
    if not (text_fr and text_en) and not one_language_reason:
        raise InvalidInput("word_in_one_language")
    if status is WordStatus.RESOLVED:
        if incident.restored_at is None:
            raise Refusal("word_too_early", incident=incident.pk)
        if next_at is not None:
            raise InvalidInput("promise_after_the_end")
    elif next_at is not None and not can_promise(next_at=next_at, now=now, tier=Tier(incident.highest_tier)):
        raise InvalidInput("promise_wrong")
