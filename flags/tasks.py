"""Due work of flags."""

import logging

from celery import shared_task
from django.db import DatabaseError

from core import clock
from flags.removal_queries import list_due_flags
from flags.story import tell_removable

log = logging.getLogger(__name__)


@shared_task
def remind_of_removals() -> int:
    """Tell owners of the flags that are to be removed, once and then each month; return how many were told."""
    now, told = clock.now(), 0
    for flag, due_on in list_due_flags(now=now):
        try:
            told += tell_removable(flag, due_on=due_on, now=now)
        except DatabaseError:
            log.exception("flag %s: nobody was reminded, tried again", flag.key)
    return told
