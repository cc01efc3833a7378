"""Due work of incidents: the intake of events, the warnings before a deadline, reminders of measures."""

import logging

from celery import shared_task
from django.db import DatabaseError, transaction
from django.utils import timezone

from core import clock
from core.errors import Refusal
from incidents.domain.lifecycle import RUNNING
from incidents.domain.tiers import Tier, due_warnings
from incidents.intake import list_waiting, note_fault, take_in
from incidents.models import ActionItem, DeadlineWarning
from incidents.queries import list_due_measures, open_incidents
from incidents.transitions import get_locked_incident
from incidents.transitions.telling import tell_deadline
from notifications.domain.audience import Audience
from notifications.transitions import publish

log = logging.getLogger(__name__)

BATCH = 50
#: An overdue measure is told again each time this many days have passed.
REMINDED_EVERY_DAYS = 7


@shared_task
def take_in_events() -> int:
    """Make incidents of what rollouts have to tell; return how many events were dealt with."""
    made = 0
    for event_id in list_waiting(limit=BATCH, now=clock.now()):
        try:
            made += take_in(event_id, now=clock.now()) is not None
        except Exception as error:
            # Whatever is wrong with one event: the others must not wait, and it must not come up forever.
            log.exception("event %s: not taken in", event_id)
            note_fault(event_id, error=f"{type(error).__name__}: {error}", now=clock.now())
    return made


@shared_task
def warn_of_deadlines() -> int:
    """Warn at 50, 80 and 100 % of each running clock, once each; return how many were told."""
    told = 0
    for incident_id in list(open_incidents().values_list("pk", flat=True)):
        try:
            told += _warn(incident_id)
        except (Refusal, DatabaseError):
            log.exception("incident %s: not warned of, tried again", incident_id)
    return told


@transaction.atomic
def _warn(incident_id: int) -> bool:
    """Note every warning that is due and tell the highest new one: after an outage, one mail and not three."""
    now = clock.now()
    incident = get_locked_incident(incident_id)
    if incident.status not in RUNNING:
        return False
    due = due_warnings(detected_at=incident.detected_at, tier=Tier(incident.highest_tier), now=now)
    given = set(DeadlineWarning.objects.filter(incident=incident).values_list("percent", flat=True))
    fresh = [percent for percent in due if percent not in given]
    DeadlineWarning.objects.bulk_create(DeadlineWarning(incident=incident, percent=p, at=now) for p in fresh)
    if not fresh:
        return False
    tell_deadline(incident, percent=max(fresh), now=now)
    return True


@shared_task
def remind_of_measures() -> int:
    """Remind owners of measures on the day they are due and each week after it; return how many reminders."""
    return sum(_remind(item) for item in list_due_measures(today=timezone.localdate(clock.now())))


def _remind(item: ActionItem) -> bool:
    now = clock.now()
    weeks = (timezone.localdate(now) - item.due_on).days // REMINDED_EVERY_DAYS
    number = item.post_mortem.incident_id
    event = publish(
        kind="measure_due",
        data={"title": item.title, "due_on": item.due_on.isoformat(), "number": number},
        audience=Audience(user_ids=frozenset({item.owner_id})),
        dedupe_key=f"measure:{item.pk}:{item.due_on.isoformat()}:{weeks}",
        now=now,
        url=f"/incidents/{number}/#measures",
    )
    return event is not None
