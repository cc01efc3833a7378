"""Due work of announcements: what waits for its time, outlets at work, promised updates."""

import logging

from celery import shared_task
from django.db import DatabaseError

from announcements.domain.lifecycle import RunState, Status
from announcements.models import Announcement, AnnouncementVersion, OutletRun
from announcements.reminding import list_unreminded, remind
from announcements.transitions.publishing import begin_scheduled, give_back
from announcements.transitions.running import run_outlet, settle_version
from core import clock
from core.errors import Refusal

log = logging.getLogger(__name__)
BATCH = 50


@shared_task
def publish_due() -> int:
    """Say what is due and drive every outlet that has something to say; return how many outlets said it."""
    now = clock.now()
    due = Announcement.objects.filter(status=Status.SCHEDULED, publish_at__lte=now).order_by("publish_at", "pk")
    for announcement_id in list(due.values_list("pk", flat=True)[:BATCH]):
        _begin(announcement_id)
    return drive_outlets()


def drive_outlets(announcement_id: int | None = None) -> int:
    """Have every outlet that is due say its version, of one announcement if asked; return how many did."""
    now = clock.now()
    runs = OutletRun.objects.filter(status=RunState.PENDING, next_attempt_at__lte=now).order_by("next_attempt_at", "pk")
    versions = AnnouncementVersion.objects.filter(announcement__status=Status.PUBLISHING)
    if announcement_id is not None:
        runs = runs.filter(version__announcement=announcement_id)
        versions = versions.filter(announcement=announcement_id)
    done = sum(run_outlet(run_id, now=clock.now()) for run_id in list(runs.values_list("pk", flat=True)[:BATCH]))
    settled = versions.exclude(runs__status=RunState.PENDING).order_by("-pk").distinct()
    for version_id in list(settled.values_list("pk", flat=True)[:BATCH]):
        settle_version(version_id, now=clock.now())
    return done


def _begin(announcement_id: int) -> None:
    """Begin one that is due; what cannot be said any more is a draft again, and its author is told."""
    try:
        begin_scheduled(announcement_id, now=clock.now())
    except Refusal as refusal:
        give_back(announcement_id, code=refusal.code, now=clock.now())
    except DatabaseError:
        log.exception("announcement %s: not begun, tried again", announcement_id)


@shared_task
def remind_of_updates() -> int:
    """Remind of updates that people wait for; return how many reminders."""
    told = 0
    for announcement_id in list_unreminded(now=clock.now(), limit=BATCH):
        try:
            told += remind(announcement_id, now=clock.now())
        except (Refusal, DatabaseError):
            log.exception("announcement %s: not reminded of, tried again", announcement_id)
    return told
