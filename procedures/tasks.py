"""Due work of procedures."""

from celery import shared_task

from core import clock
from procedures.following import follow_all, open_new


@shared_task
def follow_procedures() -> int:
    """Open procedures of new rollbacks and look at the open ones; return how many are open."""
    open_new(now=clock.now())
    return follow_all(now=clock.now())
