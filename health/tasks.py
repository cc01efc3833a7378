"""Due work of health: personal data end after their time."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings

from core import clock
from health.transitions import forget_words

BATCH = 500


@shared_task
def forget_old_words() -> int:
    """Delete complaints' words and names older than the retention; return how many."""
    limit = timedelta(days=settings.COMPLAINT_TEXT_RETENTION_DAYS)
    return forget_words(logged_before=clock.now() - limit, at_most=BATCH)
