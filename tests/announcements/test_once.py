"""Exactly once: two workers at once, and a worker killed in the middle of an outlet."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction

from announcements.domain.lifecycle import RunState, Status
from announcements.models import Announcement, AnnouncementVersion, OutletRun
from announcements.tasks import publish_due
from announcements.transitions import (
    begin_scheduled,
    publish_announcement,
    schedule_announcement,
    withdraw_announcement,
)
from announcements.transitions.running import run_outlet
from core import clock
from core.actors import DEMO
from core.roles import Role
from notifications.models import Delivery, Event
from tests.factories.announcements import make_draft
from tests.factories.core import NOW, make_person
from tests.waiting import race, wait_until

pytestmark = pytest.mark.django_db(transaction=True)
BY: dict[str, Any] = {"actor": DEMO, "reason": "needed by a test", "now": NOW}
DUE = NOW + timedelta(hours=1)

#: A worker that has said everything within its transaction, and dies before it commits.
HALFWAY = """
import django, sys
django.setup()
from datetime import datetime
from dataclasses import replace
from announcements import outlets
from announcements.transitions.running import run_outlet
people = outlets.find_outlet("people")
def publish(message, *, now):
    published = people.publish(message, now=now)
    print("said", flush=True)
    sys.stdin.read()
    return published
outlets.register(replace(people, publish=publish))
run_outlet({run}, now=datetime.fromisoformat("{now}"))
"""


@pytest.fixture(autouse=True)
def _due(monkeypatch: pytest.MonkeyPatch) -> None:
    make_person(Role.SUPPORT)
    monkeypatch.setattr(clock, "now", lambda: DUE)


def _schedule() -> Announcement:
    return schedule_announcement(announcement_id=make_draft().pk, publish_at=DUE, **BY)


def _work() -> int:
    try:
        return publish_due()
    finally:
        connection.close()


def test_due__four_workers_at_once__is_said_once() -> None:
    announcements = [_schedule() for _ in range(5)]

    with ThreadPoolExecutor(4) as pool:
        done = sum(pool.map(lambda _: _work(), range(8)))

    assert done == len(announcements)
    assert AnnouncementVersion.objects.count() == len(announcements)
    assert Event.objects.filter(kind="announcement").count() == len(announcements)
    assert Delivery.objects.filter(event__kind="announcement", channel="inbox").count() == len(announcements)
    assert set(Announcement.objects.values_list("status", flat=True)) == {Status.PUBLISHED}


def test_due__worker_killed_between_saying_and_noting__is_said_once_by_the_next() -> None:
    announcement = _schedule()
    assert begin_scheduled(announcement.pk, now=DUE) is not None
    run = OutletRun.objects.get()

    with subprocess.Popen(
        [sys.executable, "-c", HALFWAY.format(run=run.pk, now=DUE.isoformat())],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": _write_url()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "said\n"
        assert publish_due() == 0, "the other worker is at it"
        process.kill()

    # The server lets go of the dead session's lock in its own time.
    wait_until(publish_due)
    assert publish_due() == 0
    assert Event.objects.filter(kind="announcement").count() == 1
    run.refresh_from_db()
    announcement.refresh_from_db()
    assert (run.status, run.attempts, announcement.status) == (RunState.DONE, 1, Status.PUBLISHED)


def test_publish__two_people_press_at_once__is_said_once() -> None:
    draft = make_draft()

    def press() -> object:
        return publish_announcement(announcement_id=draft.pk, **BY)

    assert race(press, press) == "wrong_state"
    assert AnnouncementVersion.objects.count() == 1


def test_withdraw__while_it_comes_due__the_later_one_does_nothing() -> None:
    announcement = _schedule()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        withdraw_announcement(announcement_id=announcement.pk, **BY)
        assert pool.submit(_work).result() == 0, "it is held by who takes it back"

    assert publish_due() == 0

    assert not AnnouncementVersion.objects.exists()


def test_run__the_same_twice__says_it_once() -> None:
    announcement = _schedule()
    begin_scheduled(announcement.pk, now=DUE)
    run = OutletRun.objects.get()

    assert [run_outlet(run.pk, now=DUE), run_outlet(run.pk, now=DUE)] == [True, False]


def _write_url() -> str:
    given = settings.DATABASES["default"]
    return f"postgres://{given['USER']}:{given['PASSWORD']}@{given['HOST']}:{given['PORT']}/{given['NAME']}"
