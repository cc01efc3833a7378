"""Schedulers beside each other, killed at random and started again: every step is done exactly once."""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection

from core.actors import SCHEDULER
from flags.models import Rule
from flags.transitions import NewMember
from releaseportal.addresses import BASE_DIR
from rollouts.domain.templates import Advance, PhaseKind, PhaseTemplate
from rollouts.drawing import PlanRequest
from rollouts.models import Rollout, RolloutEvent, Step, StepStatus
from rollouts.transitions import create_release, plan_rollout, schedule_rollout
from rollouts.transitions.templating import create_template
from tests.factories.flags import make_flag
from tests.factories.world import NOW, WHY, make_world

BY: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY, "now": NOW}
FLAGS = 35
PATIENCE_SECONDS = 240
#: What beat's task does, as often as it can, at the plan's last moment.
SCHEDULER_CODE = """
import sys, django
django.setup()
from datetime import datetime
from rollouts.tasks import run_due_steps
from rollouts.transitions import run_next_step
rollout_id, now = int(sys.argv[1]), datetime.fromisoformat(sys.argv[2])
print("ready", flush=True)
while True:
    run_next_step(rollout_id=rollout_id, now=now)
"""
PEOPLE = [
    PhaseTemplate(kind, days=1, advance=Advance.TOGETHER, gates=()) for kind in (PhaseKind.INTERNAL, PhaseKind.PILOT)
]
SHARES = PhaseTemplate(PhaseKind.PERCENTAGE, days=3, shares_bp=(100, 1_000, 5_000), advance=Advance.TOGETHER, gates=())
FULL = PhaseTemplate(PhaseKind.FULL, days=1, advance=Advance.TOGETHER, gates=())


def _plan() -> Rollout:
    """Return a scheduled rehearsal of more than two hundred steps, all due within its half day of tolerance."""
    world = make_world()
    flags = [make_flag().pk for _ in range(FLAGS)]
    release = create_release(version="9.9", flag_ids=flags, **BY)
    template = create_template(name="Many", phases=[*PEOPLE, SHARES, FULL], **BY)
    request = PlanRequest(
        release_id=release.pk,
        environment_id=world.environment.pk,
        testers_id=world.testers.pk,
        pilots=tuple(NewMember(f"cashier-{n}") for n in range(3)),
        site_ids=tuple(site.pk for site in world.sites),
        day_seconds=1,
        template_version_id=template.versions.get().pk,
    )
    rollout = plan_rollout(request=request, **BY)
    return schedule_rollout(rollout_id=rollout.pk, **BY)


def _start(rollout: Rollout) -> "subprocess.Popen[str]":
    found = connection.settings_dict
    url = (
        f"postgres://{quote(found['USER'])}:{quote(found['PASSWORD'])}@{found['HOST']}:{found['PORT']}/{found['NAME']}"
    )
    environment = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "releaseportal.settings"}
    command = [sys.executable, "-c", SCHEDULER_CODE, str(rollout.pk), NOW.isoformat()]
    return subprocess.Popen(command, cwd=BASE_DIR, env=environment, stdout=subprocess.PIPE, text=True)


@pytest.mark.django_db(transaction=True)
def test_schedulers__two_at_once_killed_at_random__do_every_step_exactly_once() -> None:
    rollout = _plan()
    total = rollout.steps.count()
    assert total >= 200
    # All at one moment: what orders them is the plan, not the clock.
    connection.cursor().execute("UPDATE rollouts_step SET due_at = %s", [NOW])
    workers = [_start(rollout) for _ in range(2)]
    kills, until, seed = 0, time.monotonic() + PATIENCE_SECONDS, random.Random(7)
    try:
        while Step.objects.filter(rollout=rollout, status=StepStatus.PLANNED).exists():
            assert time.monotonic() < until, "the schedulers came to no end"
            number = seed.randrange(2)
            said = workers[number].stdout
            assert said is not None
            said.readline()
            time.sleep(seed.uniform(0.05, 0.6))
            workers[number].kill()
            workers[number].communicate()
            workers[number] = _start(rollout)
            kills += 1
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()

    assert kills >= 3
    done = Counter(
        (event.data["flag"], event.data["phase"], event.data["audience"])
        for event in RolloutEvent.objects.filter(rollout=rollout, kind="step_done")
    )
    assert len(done) == total
    assert set(done.values()) == {1}
    turned = Step.history.filter(rollout=rollout, status=StepStatus.DONE).values_list("id", flat=True)
    assert (len(turned), len(set(turned))) == (total, total)
    # Testers, pilots, and everyone in place of the growing share.
    assert Rule.objects.filter(origin__startswith=f"rollout:{rollout.pk}:").count() == 3 * FLAGS
