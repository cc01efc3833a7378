"""Due work of health: what has had its time ends."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, timedelta
from itertools import takewhile

from celery import shared_task
from django.conf import settings

from core import clock
from health import asking, pulling
from health.alert_transitions import forget_alerts
from health.domain.performance import MINUTES_DAYS
from health.models import FlagMinute, LatencyHour, LatencyMinute, Sample, SiteMinute, TillMinute
from health.otlp_transitions import forget_series
from health.reading_transitions import forget_readings
from health.rollup_transitions import roll_up_counts, roll_up_latency
from health.sample_transitions import forget_days, make_days
from health.share_transitions import forget_memories
from health.transitions import forget_words

BATCH = 500
#: After a backlog of hours other tasks get their turn in between.
PIECES = 50
#: Sites' minutes are derived from those of their tills, which are of no use when the minute is over.
TILL_MINUTES_DAYS = 2
#: Baselines look back four weeks, from before a release that may last two.
LATENCY_HOURS_DAYS = 42
ALERT_BATCH = 5_000

#: A process that was silent for longer begins to count anew.
SERIES_KEPT = timedelta(days=1)
SERIES_BATCH = 50_000
#: A lane looks back a day at most: what it knew before is of no use.
MEMORIES_KEPT = timedelta(days=2)

#: No lane looks further back than a quarter of an hour; pages show the last readings.
READINGS_KEPT = timedelta(hours=1)
READINGS_BATCH = 50_000


@shared_task
def forget_old_words() -> int:
    """Delete complaints' words and names older than the retention; return how many."""
    limit = timedelta(days=settings.COMPLAINT_TEXT_RETENTION_DAYS)
    return forget_words(logged_before=clock.now() - limit, at_most=BATCH)


@shared_task
def roll_up_samples() -> int:
    """Add new samples to the minutes of tills, sites and flags; return how many batches."""
    return _work_off(roll_up_counts)


@shared_task
def roll_up_latencies() -> int:
    """Add the latency of new samples to its minutes and hours; return how many batches."""
    return _work_off(roll_up_latency)


def _work_off(roll_up: Callable[[], int]) -> int:
    """Repeat what does a piece in a transaction of its own until nothing is left; at most `PIECES` times."""
    return sum(takewhile(bool, (roll_up() for _ in range(PIECES))))


@shared_task
def make_sample_days() -> None:
    """Make the days ahead that samples and their sums will lie in."""
    make_days(today=clock.now().astimezone(UTC).date())


@shared_task
def forget_old_samples() -> int:
    """Drop the days of samples and sums that are past their retention; return how many.

    What was decided on them is in the verdicts.
    """
    return sum(forget_days(table, before=before) for table, before in _list_limits())


def _list_limits() -> Iterator[tuple[str, date]]:
    """Yield each table that lies in days, and the first day that is kept."""
    now = clock.now().astimezone(UTC)
    for model, days in (
        (Sample, settings.SAMPLE_RETENTION_DAYS),
        (SiteMinute, settings.SITE_MINUTE_RETENTION_DAYS),
        (FlagMinute, settings.SITE_MINUTE_RETENTION_DAYS),
        (TillMinute, TILL_MINUTES_DAYS),
        (LatencyMinute, MINUTES_DAYS),
        (LatencyHour, LATENCY_HOURS_DAYS),
    ):
        yield model._meta.db_table, (now - timedelta(days=days)).date()


@shared_task
def forget_old_alerts() -> int:
    """Delete what monitoring systems sent, not heard of for longer than the retention; return how many rows."""
    limit = timedelta(days=settings.ALERT_RETENTION_DAYS)
    return forget_alerts(heard_before=clock.now() - limit, at_most=ALERT_BATCH)


@shared_task
def forget_old_series() -> int:
    """Delete what is known of OpenTelemetry's series that were silent for a day; return how many."""
    return forget_series(seen_before=clock.now() - SERIES_KEPT, at_most=SERIES_BATCH)


@shared_task
def pull_sources() -> int:
    """Pull the monitoring systems that are due; return how many samples are new."""
    return pulling.pull_due()


@shared_task
def ask_queries() -> int:
    """Ask the queries of one's own that are due; return how many readings were stored."""
    return asking.ask_due()


@shared_task
def forget_old_memories() -> int:
    """Delete what lanes knew of flags that nobody has looked at for days; return how many."""
    return forget_memories(written_before=clock.now() - MEMORIES_KEPT)


@shared_task
def forget_old_readings() -> int:
    """Delete what queries of one's own said more than an hour ago; return how many readings."""
    return forget_readings(read_before=clock.now() - READINGS_KEPT, at_most=READINGS_BATCH)
