"""Due work of rollouts; each task is a query over what is due, safe to run twice at once."""

import contextlib
import logging
from datetime import timedelta
from itertools import groupby

from celery import shared_task
from django.conf import settings
from django.db import DatabaseError

from core import clock
from core.errors import Refusal
from rollouts.baselines import freeze_baselines
from rollouts.daily_summary import list_due_summaries, send_daily_summary
from rollouts.domain.lifecycle import UNDER_WAY
from rollouts.guarding import watch_rollouts
from rollouts.investigation_queries import list_overdue
from rollouts.lane_guarding import watch_lanes
from rollouts.models import SchedulerHeartbeat
from rollouts.promises import list_misdated_rollouts
from rollouts.queries import list_due_rollouts, list_rollouts, list_steps_due_within
from rollouts.story import tell_due_soon, tell_overdue
from rollouts.transitions import clear_step_fault, keep_to_open_days, note_step_fault, run_next_step
from rollouts.transitions.giving_feedback import forget_feedback_words

log = logging.getLogger(__name__)

#: A bound on one task's work, far above any plan's steps.
MOST_STEPS = 500
#: People hear of a step in the evening before a morning's.
DUE_SOON = timedelta(hours=12)
#: Words of feedback forgotten in one round.
WORDS_BATCH = 500


@shared_task
def run_due_steps() -> int:
    """Do every due step, so many at most; return how many. One rollout's fault does not stop the others."""
    SchedulerHeartbeat.objects.update_or_create(pk=1, defaults={"beat_at": clock.now()})
    done = 0
    for rollout_id in list_due_rollouts(now=clock.now()):
        try:
            while run_next_step(rollout_id=rollout_id, now=clock.now()) is not None:
                done += 1
                if done == MOST_STEPS:
                    return done
            clear_step_fault(rollout_id=rollout_id)
        except Exception as error:  # whatever it is, it is this rollout's alone
            log.exception("rollout %s: a step failed and is tried again", rollout_id)
            with contextlib.suppress(DatabaseError):  # gone: the next round counts it
                note_step_fault(rollout_id=rollout_id, error=error, now=clock.now())
    return done


@shared_task
def keep_dates() -> int:
    """Move what is promised off days that take no changes (any more); return how many rollouts were moved."""
    moved = 0
    for rollout_id in list_misdated_rollouts(now=clock.now()):
        try:
            moved += keep_to_open_days(rollout_id=rollout_id, now=clock.now())
        except Exception:
            log.exception("rollout %s: its dates were not moved, tried again", rollout_id)
    return moved


@shared_task
def watch_health() -> int:
    """Judge every rollout under way and act on it; return how many were judged."""
    return watch_rollouts(list(list_rollouts().filter(status__in=UNDER_WAY)), now=clock.now())


@shared_task
def watch_guardrails() -> int:
    """Judge these lanes for every rollout under way and act; return how many looks there were."""
    return watch_lanes(list(list_rollouts().filter(status__in=UNDER_WAY)), now=clock.now())


@shared_task
def freeze_usual() -> int:
    """Keep what was usual before each rollout under way exposed anybody; return how many baselines are new."""
    return freeze_baselines(list(list_rollouts().filter(status__in=UNDER_WAY)))


@shared_task
def remind_of_steps() -> int:
    """Say once what real rollouts do within the next hours; return how many messages were new."""
    now = clock.now()
    steps = list_steps_due_within(now=now, span=DUE_SOON).order_by("rollout", "due_at", "position")
    together = groupby(steps, key=lambda step: (step.rollout_id, step.due_at, step.site_id, step.segment_id))
    return sum(tell_due_soon(list(group), now=now) for _key, group in together)


@shared_task
def remind_of_investigations() -> int:
    """Say once of each investigation that its deadline has passed; return how many messages were new."""
    now = clock.now()
    return sum(tell_overdue(investigation, now=now) for investigation in list_overdue(now=now))


@shared_task
def send_daily_summaries() -> int:
    """Tell once each evening how the day of a real rollout went; return how many messages were new."""
    now = clock.now()
    sent = 0
    for rollout in list_due_summaries(now=now):
        try:
            sent += send_daily_summary(rollout, now=now)
        except (Refusal, DatabaseError):
            log.exception("rollout %s: its day was not told, tried again", rollout.pk)
    return sent


@shared_task
def forget_old_feedback() -> int:
    """Delete the words of feedback older than those of complaints may be; return how many. Ratings stay."""
    limit = timedelta(days=settings.COMPLAINT_TEXT_RETENTION_DAYS)
    return forget_feedback_words(received_before=clock.now() - limit, at_most=WORDS_BATCH)
