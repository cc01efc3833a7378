"""Due work of health: what has had its time ends."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings

from core import clock
from health import pulling
from health.otlp_transitions import forget_series
from health.transitions import forget_samples, forget_words

BATCH = 500
#: More than a fleet of a hundred tills sends in the task's period.
SAMPLE_BATCH = 50_000

#: A process that was silent for longer begins to count anew.
SERIES_KEPT = timedelta(days=1)


@shared_task
def forget_old_words() -> int:
    """Delete complaints' words and names older than the retention; return how many."""
    limit = timedelta(days=settings.COMPLAINT_TEXT_RETENTION_DAYS)
    return forget_words(logged_before=clock.now() - limit, at_most=BATCH)


@shared_task
def forget_old_samples() -> int:
    """Delete samples older than the retention; return how many. What was decided on them is in the verdicts."""
    limit = timedelta(days=settings.SAMPLE_RETENTION_DAYS)
    return forget_samples(received_before=clock.now() - limit, at_most=SAMPLE_BATCH)


@shared_task
def forget_old_series() -> int:
    """Delete what is known of OpenTelemetry's series that were silent for a day; return how many."""
    return forget_series(seen_before=clock.now() - SERIES_KEPT, at_most=SAMPLE_BATCH)


@shared_task
def pull_sources() -> int:
    """Pull the monitoring systems that are due; return how many samples are new."""
    return pulling.pull_due()
