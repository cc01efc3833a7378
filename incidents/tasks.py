"""Due work of incidents: the intake of events, the warnings before a deadline."""

import logging

from celery import shared_task
from django.db import DatabaseError, transaction

from core import clock
from core.errors import Refusal
from incidents.domain.tiers import Tier, due_warnings
from incidents.intake import list_waiting, take_in
from incidents.models import DeadlineWarning, Incident
from incidents.queries import open_incidents
from incidents.transitions import say_incident
from notifications.domain.audience import CREW
from notifications.transitions import publish

log = logging.getLogger(__name__)

BATCH = 50


@shared_task
def take_in_events() -> int:
    """Make incidents of what rollouts have to tell; return how many."""
    made = 0
    for event_id in list_waiting(limit=BATCH):
        try:
            made += take_in(event_id, now=clock.now()) is not None
        except (Refusal, DatabaseError, KeyError, ValueError):
            log.exception("event %s: not taken in, tried again", event_id)
    return made


@shared_task
def warn_of_deadlines() -> int:
    """Warn at 50, 80 and 100 % of each running clock, once each; return how many warnings."""
    now = clock.now()
    given = 0
    for incident in open_incidents():
        tier = Tier(incident.highest_tier)
        for percent in due_warnings(detected_at=incident.detected_at, tier=tier, now=now):
            given += _warn(incident, percent)
    return given


@transaction.atomic
def _warn(incident: Incident, percent: int) -> bool:
    now = clock.now()
    _row, is_new = DeadlineWarning.objects.get_or_create(incident=incident, percent=percent, defaults={"at": now})
    if is_new:
        publish(
            kind="incident_deadline",
            data={**say_incident(incident), "percent": percent},
            audience=CREW,
            dedupe_key=f"incident:{incident.pk}:warning:{percent}",
            now=now,
            url=f"/incidents/{incident.pk}/",
        )
    return is_new
