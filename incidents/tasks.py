"""Due work of incidents: intake of events, warnings before a deadline, reminders, timelines and words."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime

from celery import shared_task
from django.db import DatabaseError, transaction

from core import clock
from core.errors import Refusal
from incidents.call_back_intake import (
    list_moot,
    list_restored,
    list_waiting_rollbacks,
    take_in_restored,
    take_in_rollback,
    withdraw_call,
)
from incidents.domain.escalation import DueWarning, choose, list_due
from incidents.domain.lifecycle import RUNNING
from incidents.domain.tiers import Tier
from incidents.gathering import gather, list_written_up
from incidents.intake import list_waiting, note_fault, take_in
from incidents.models import DeadlineWarning, Incident
from incidents.queries import open_incidents
from incidents.reminding import remind_of_pending_measures, remind_of_unpublished
from incidents.source_ends import list_ended_alerts, list_ended_operations, note_alert_end, note_operation_end
from incidents.source_intake import (
    list_waiting_alerts,
    list_waiting_operations,
    note_source_fault,
    take_in_alert,
    take_in_operation,
)
from incidents.timeline_queries import find_last_update, find_word_due, list_speaking, map_last_updates
from incidents.transitions import get_locked_incident
from incidents.transitions.telling import tell_deadline, tell_word_overdue

log = logging.getLogger(__name__)

BATCH = 50


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
def take_in_sources() -> int:
    """Make incidents of alerts and rollbacks of targets, and note which are over; return how many were dealt with."""
    now = clock.now()
    made = _take_each("alert", list_waiting_alerts(now=now, limit=BATCH), take_in_alert)
    made += _take_each("operation", list_waiting_operations(now=now, limit=BATCH), take_in_operation)
    made += _do_each("end of alert", list_ended_alerts(now=now, limit=BATCH), note_alert_end)
    return made + _do_each("end of operation", list_ended_operations(limit=BATCH), note_operation_end)


def _take_each(kind: str, numbers: Iterable[int], take: Callable[..., Incident | None]) -> int:
    made = 0
    for number in numbers:
        try:
            made += take(number, now=clock.now()) is not None
        except Exception as error:
            log.exception("%s %s: not taken in", kind, number)
            note_source_fault(f"{kind}:{number}", error=f"{type(error).__name__}: {error}", now=clock.now())
    return made


@shared_task
def warn_of_deadlines() -> int:
    """Warn at 50, 80 and 100 % of each running clock and by the hours past it, once each; return how many."""
    return _do_each("clock of incident", list(open_incidents().values_list("pk", flat=True)), _warn)


def _do_each(what: str, numbers: Iterable[int], do: Callable[..., int]) -> int:
    """Do one after the other and return the sum; what fails stops no other and is due again with the next round."""
    done = 0
    for number in numbers:
        try:
            done += do(number, now=clock.now())
        except (Refusal, DatabaseError):
            log.exception("%s %s: tried again", what, number)
    return done


@transaction.atomic
def _warn(incident_id: int, *, now: datetime) -> bool:
    """Note every warning that is due and tell the highest new one: after an outage, one mail and not three."""
    incident = get_locked_incident(incident_id)
    if incident.status not in RUNNING:
        return False
    due = list_due(detected_at=incident.detected_at, tier=Tier(incident.highest_tier), now=now)
    rows = DeadlineWarning.objects.filter(incident=incident).values_list("percent", "overdue_hours")
    given = {DueWarning(*row) for row in rows}
    told = choose(due, given=given)
    if told is None:
        return False
    DeadlineWarning.objects.bulk_create(
        DeadlineWarning(incident=incident, percent=one.percent, overdue_hours=one.overdue_hours, at=now)
        for one in due
        if one not in given
    )
    tell_deadline(incident, due=told, now=now)
    return True


@shared_task
def remind_of_measures() -> int:
    """Remind of measures and post-mortems before, on and after their dates; return how many reminders."""
    return remind_of_pending_measures(now=clock.now()) + remind_of_unpublished(now=clock.now())


@shared_task
def write_timelines() -> int:
    """Write what every app has to tell into the timelines of incidents; return how many lines."""
    return _do_each("timeline of incident", list_written_up(now=clock.now()), gather)


@shared_task
def warn_of_words() -> int:
    """Tell whoever commands that a public word is overdue, once for each moment that it was due; return how many."""
    now = clock.now()
    waiting = list(list_speaking(now=now))
    last = map_last_updates([incident.pk for incident in waiting])
    dues = {incident.pk: find_word_due(incident, last=last.get(incident.pk)) for incident in waiting}
    overdue = [number for number, due_at in dues.items() if due_at is not None and due_at <= now]
    return _do_each("word about incident", overdue, _warn_of_word)


@transaction.atomic
def _warn_of_word(incident_id: int, *, now: datetime) -> bool:
    """Tell, on the locked incident: a word said just now is seen."""
    incident = get_locked_incident(incident_id)
    due_at = find_word_due(incident, last=find_last_update(incident_id))
    return due_at is not None and due_at <= now and tell_word_overdue(incident, due_at=due_at, now=now)


@shared_task
def make_calls_due() -> int:
    """Find who is to be called back, and whose call is not needed any more; return how many calls changed."""
    now = clock.now()
    return (
        _do_each("calls of rollback", list_waiting_rollbacks(now=now, limit=BATCH), take_in_rollback)
        + _do_each("calls of incident", list_restored(now=now, limit=BATCH), take_in_restored)
        + _do_each("call", list_moot(limit=BATCH), withdraw_call)
    )
