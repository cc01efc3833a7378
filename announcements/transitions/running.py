"""Outlets at work: each says a version in one transaction with the row that says so: it is said once (ADR 0059)."""

import logging
from datetime import datetime

from django.db import transaction

from announcements.domain.lifecycle import Act, RunState, Status
from announcements.domain.running import delay_after
from announcements.messages import read_message
from announcements.models import AnnouncementVersion, OutletRun
from announcements.outlets import find_outlet
from announcements.transitions.locking import get_locked_announcement
from announcements.transitions.telling import tell_failed
from core.actors import SCHEDULER, Actor
from core.errors import Refusal
from core.history import recorded
from core.reasons import write_reason

log = logging.getLogger(__name__)
_SETTLED = {Act.FIRST: Status.PUBLISHED, Act.CORRECTION: Status.CORRECTED}


def run_outlet(run_id: int, *, now: datetime) -> bool:
    """Have one outlet say its version; False where another worker is at it or it failed. Nothing is raised.

    A refusal is final; anything else is tried again, later and later.
    """
    try:
        return _run(run_id, now=now)
    except Refusal as refusal:
        note_failure(run_id, code=refusal.code, error="", now=now)
    except Exception as error:
        # Whatever is wrong with one outlet: the others must not wait, and it must not come up forever.
        log.exception("outlet run %s: tried again", run_id)
        note_failure(run_id, code="", error=f"{type(error).__name__}: {error}", now=now)
    return False


@transaction.atomic
def _run(run_id: int, *, now: datetime) -> bool:
    rows = OutletRun.objects.select_for_update(of=("self",), skip_locked=True)
    run = rows.filter(pk=run_id, status=RunState.PENDING, next_attempt_at__lte=now).first()
    if run is None:
        return False
    outlet = find_outlet(run.outlet)
    if outlet is None:
        raise Refusal("outlet_unknown", outlet=run.outlet)
    version = AnnouncementVersion.objects.select_related(
        "announcement__environment", "announcement__incident", "announcement__rollout"
    ).get(pk=run.version_id)
    published = outlet.publish(read_message(version), now=now)
    run.status, run.done_at, run.attempts = RunState.DONE, now, run.attempts + 1
    run.reached, run.url, run.last_error, run.failure = published.reached, published.url, "", ""
    run.save()
    return True


@transaction.atomic
def note_failure(run_id: int, *, code: str, error: str, now: datetime) -> OutletRun | None:
    """Keep that an outlet failed and when it is tried again; what is final is told to whoever wrote it."""
    rows = OutletRun.objects.select_for_update(of=("self",)).select_related("version__announcement")
    run = rows.filter(pk=run_id, status=RunState.PENDING).first()
    if run is None:
        return None
    run.attempts += 1
    run.failure, run.last_error = code, error.replace("\x00", "")[:500]
    delay = None if code else delay_after(run.attempts)
    if delay is None:
        run.status, run.next_attempt_at = RunState.FAILED, now
        tell_failed(run.version.announcement, run=run, now=now)
    else:
        run.next_attempt_at = now + delay
    run.save()
    return run


@transaction.atomic
def settle_version(version_id: int, *, now: datetime) -> bool:
    """Say that an announcement is out once each outlet of its newest version is done or has given up; False before."""
    version = AnnouncementVersion.objects.get(pk=version_id)
    announcement = get_locked_announcement(version.announcement_id)
    act = Act(version.act)
    if announcement.status != Status.PUBLISHING or act not in _SETTLED:
        return False
    is_newest = not announcement.versions.filter(number__gt=version.number).exists()
    if not is_newest or version.runs.filter(status=RunState.PENDING).exists():
        return False
    announcement.status = _SETTLED[act]
    with recorded(actor=SCHEDULER, reason=write_reason("announcement_out"), now=now):
        announcement.save()
    return True


@transaction.atomic
def try_outlet_again(*, run_id: int, actor: Actor, now: datetime) -> OutletRun:
    """Have an outlet that gave up try again."""
    run = OutletRun.objects.select_related("version").filter(pk=run_id).first()
    if run is None:
        raise Refusal("outlet_run_unknown")
    announcement = get_locked_announcement(run.version.announcement_id)
    newest = announcement.versions.order_by("-number").values_list("pk", flat=True).first()
    run = OutletRun.objects.select_for_update(of=("self",)).get(pk=run_id)
    if run.status != RunState.FAILED or run.version_id != newest:
        raise Refusal("outlet_not_failed")
    run.status, run.attempts, run.next_attempt_at = RunState.PENDING, 0, now
    run.save()
    log.info("outlet run %s: tried again, asked by %s", run_id, actor.label)
    return run
