"""Reminders of measures and post-mortems: before their date, on it and after it, each once, also after closing."""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial

from django.db import DatabaseError
from django.utils import timezone

from core.errors import Refusal
from incidents.domain.measuring import MeasureState
from incidents.domain.reminding import OF_MEASURES, OF_POST_MORTEMS, find_reminder
from incidents.learning_queries import list_pending_measures, list_unpublished
from incidents.models import ActionItem
from incidents.transitions.telling_learnt import tell_measure_due, tell_measure_to_verify, tell_post_mortem_due

log = logging.getLogger(__name__)


def remind_of_pending_measures(*, now: datetime) -> int:
    """Remind owners of what is due, and those who verify of what waits for them; return how many reminders."""
    rows = list_pending_measures(today=timezone.localdate(now))
    return sum(_try(partial(_remind, item, now=now), what=f"measure {item.pk}") for item in rows)


def remind_of_unpublished(*, now: datetime) -> int:
    """Remind of post-mortems that are due and not published; return how many reminders."""
    today, told = timezone.localdate(now), 0
    for post_mortem, due_on in list_unpublished(today=today):
        stage = find_reminder(OF_POST_MORTEMS, due_on=due_on, today=today)
        if stage is not None:
            tell = partial(tell_post_mortem_due, post_mortem, due_on=due_on, stage=stage, now=now)
            told += _try(tell, what=str(post_mortem))
    return told


def _remind(item: ActionItem, *, now: datetime) -> bool:
    if item.status == MeasureState.DONE and item.done_at is not None:
        weeks = (now - item.done_at) // OF_MEASURES.every
        return weeks > 0 and tell_measure_to_verify(item, key=f"{item.done_at.isoformat()}:{weeks}", now=now)
    stage = find_reminder(OF_MEASURES, due_on=item.due_on, today=timezone.localdate(now))
    return stage is not None and tell_measure_due(item, stage=stage, now=now)


def _try(tell: Callable[[], bool], *, what: str) -> bool:
    """Return whether it was told; whatever is wrong with one, the others must not wait."""
    try:
        return tell()
    except (Refusal, DatabaseError):
        log.exception("%s: not reminded of, tried again", what)
        return False
