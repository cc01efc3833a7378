"""Due work of recovery."""

import logging

from celery import shared_task
from django.db import DatabaseError

from core import clock
from core.actors import RECOVERY
from core.errors import Refusal
from recovery.drill_queries import list_due_environments, list_missed
from recovery.drilling import driving as drilling
from recovery.driving import drive_due
from recovery.transitions.drilling import MONTHLY, begin_drill, tell_missed

log = logging.getLogger(__name__)


@shared_task
def drive_operations() -> int:
    """Drive the operations that nobody drives; return how many."""
    return drive_due()


@shared_task
def drive_drills() -> int:
    """Bring drills on; return how many ended."""
    return drilling.drive_drills()


@shared_task
def begin_due_drills() -> int:
    """Begin this month's drill where it is due; return how many were begun."""
    now, begun = clock.now(), 0
    for environment in list_due_environments(now=now):
        try:
            begin_drill(environment=environment, actor=RECOVERY, reason=MONTHLY, now=now, is_scheduled=True)
            begun += 1
        except Refusal:
            continue
    return begun


@shared_task
def warn_of_missed_drills() -> int:
    """Tell of every environment without a drill that passed last month, once; return how many were told."""
    now, told = clock.now(), 0
    for environment, month in list_missed(now=now):
        try:
            told += tell_missed(environment, month=month, now=now)
        except DatabaseError:
            log.exception("environment %s: nobody was told of its missed drill, tried again", environment.key)
    return told
