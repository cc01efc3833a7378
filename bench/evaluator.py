"""The process of its own in which guardrails are evaluated, on a PostgreSQL of its own that nobody else works on.

Rollouts are planned and scheduled by their transitions; that their steps are done is written in bulk, since
taking tens of thousands of steps one by one would take an hour. So are the minutes that tills would have made.
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from bench.evaluation import CASES, ROUNDS, Case, Measured
from tests import plugin_servers

plugin_servers.start()

from django.core.management import call_command
from django.db import connection

from core import clock
from core.actors import DEMO
from flags.models import FlagState
from flags.transitions import NewMember, create_environment, create_flag, create_segment, create_site
from rollouts.domain.lifecycle import UNDER_WAY, Status
from rollouts.drawing import PlanRequest
from rollouts.lane_guarding import watch_lanes
from rollouts.models import Phase, PhaseStatus, Rollout, RolloutFlag, Step, StepStatus
from rollouts.queries import list_rollouts
from rollouts.tasks import watch_health
from rollouts.transitions import create_release, plan_rollout, schedule_rollout

MINUTES = 15
#: What a till that reports 12 requests in a minute, of which one in a thousand fails, comes to at a site.
_ADD_SITES = """
INSERT INTO health_siteminute (environment_id, flag_id, site_id, minute, requests, errors, critical_errors,
    integrity_errors, spread_requests, spread_errors, first_start_at, last_ends_at, last_received_at)
SELECT %(environment)s, flag, site, minute, 24, 0, 0, 0, 24, 0, minute - interval '5 s', minute + interval '50 s',
    minute + interval '55 s'
FROM unnest(%(flags)s::bigint[] || NULL::bigint) AS flag, unnest(%(sites)s::bigint[]) AS site,
    generate_series(%(since)s::timestamptz, %(until)s::timestamptz, interval '1 minute') AS minute
"""
_ADD_FLAGS = """
INSERT INTO health_flagminute (environment_id, flag_id, minute, requests, errors, critical_errors, integrity_errors,
    spread_requests, spread_errors, first_start_at, last_ends_at, last_received_at)
SELECT environment_id, flag_id, minute, sum(requests), sum(errors), sum(critical_errors), sum(integrity_errors),
    sum(spread_requests), sum(spread_errors), min(first_start_at), max(last_ends_at), max(last_received_at)
FROM health_siteminute
WHERE environment_id = %(environment)s AND flag_id IS NOT NULL AND minute BETWEEN %(since)s AND %(until)s
GROUP BY environment_id, flag_id, minute
"""


def _main() -> None:
    call_command("migrate", verbosity=0, interactive=False)
    for case in CASES:
        print(json.dumps(asdict(_measure(case))), flush=True)


def _measure(case: Case) -> Measured:
    """Return the seconds of evaluations, at the turn of a minute and within it, and of the watch of each second."""
    now = clock.now().replace(second=40, microsecond=0)
    _furnish(case, now=now)
    seconds: dict[str, float] = {}
    # The first remembers; what follows is what happens all the time.
    first = now - timedelta(minutes=2)
    _watch_lanes(case, first)
    queries: list[str] = []

    def note(execute: Callable[..., object], *asked: Any) -> object:
        queries.append(asked[0])
        return execute(*asked)

    with connection.execute_wrapper(note):
        began = time.perf_counter()
        _watch_lanes(case, now)
        seconds["a minute more"] = time.perf_counter() - began
        lane_queries = len(queries)
        seconds["within a minute"] = _least(lambda: _watch_lanes(case, now))
        queries.clear()
        watch_health()
        watch_queries = len(queries)
    seconds["critical and complaints"] = _least(watch_health)
    Rollout.objects.filter(ended_at=None).update(status=Status.CANCELLED, ended_at=now)
    return Measured(case, seconds, lane_queries, watch_queries)


def _watch_lanes(case: Case, now: datetime) -> None:
    """Do what the task does, at a moment of the bench's own."""
    looks = watch_lanes(list(list_rollouts().filter(status__in=UNDER_WAY)), now=now)
    if looks < case.rollouts * case.flags:
        raise SystemExit(f"only {looks} looks: the world is not what it should be")


def _furnish(case: Case, *, now: datetime) -> None:
    by: dict[str, Any] = {"actor": DEMO, "reason": "measured", "now": now}
    name = f"case-{case.rollouts}-{case.sites}"
    environment = create_environment(key=name, name=name, position=1, is_production=False, **by)
    sites = [create_site(key=f"{name}-{n}", name=f"{name}-{n}", city="—", **by).pk for n in range(case.sites)]
    testers = create_segment(key=name, name=name, members=[NewMember("tester")], **by)
    every: list[int] = []
    for number in range(case.rollouts):
        keys = [f"{name}-{number}-{place}" for place in range(case.flags)]
        flags = [create_flag(key=key, name=key, **by).pk for key in keys]
        request = PlanRequest(
            release_id=create_release(version=f"{name}-{number}", flag_ids=flags, **by).pk,
            environment_id=environment.pk,
            testers_id=testers.pk,
            pilots=tuple(NewMember(f"pilot-{n}") for n in range(4)),
            site_ids=tuple(sites),
            day_seconds=600,
        )
        rollout = plan_rollout(request=request, **by)
        schedule_rollout(rollout_id=rollout.pk, actor=DEMO, reason="measured", now=now)
        every += flags
    _begin(environment.pk, sites=sites[: len(sites) // 2], since=now - timedelta(hours=2))
    window = {"since": now.replace(second=0) - timedelta(minutes=MINUTES), "until": now.replace(second=0)}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT health_make_day(d::date) FROM generate_series(now() - interval '1 day', now(), '1 day') d"
        )
        for statement in (_ADD_SITES, _ADD_FLAGS):
            cursor.execute(statement, {"environment": environment.pk, "flags": every, "sites": sites, **window})
        cursor.execute("ANALYZE")


def _begin(environment_id: int, *, sites: list[int], since: datetime) -> None:
    """Have every rollout run, its flags on at these sites, as if the steps had been taken one by one."""
    rollouts = Rollout.objects.filter(environment=environment_id)
    steps = Step.objects.filter(rollout__in=rollouts)
    steps.filter(site__in=sites).update(status=StepStatus.DONE, done_at=since)
    Phase.objects.filter(rollout__in=rollouts, position=1).update(status=PhaseStatus.RUNNING)
    RolloutFlag.objects.filter(rollout__in=rollouts).update(is_active=True)
    FlagState.objects.filter(environment=environment_id).update(is_on=True)
    rollouts.update(status=Status.RUNNING)


def _least(act: Callable[[], object]) -> float:
    """Return the least seconds that an act takes in several rounds."""
    found = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        act()
        found.append(time.perf_counter() - began)
    return min(found)


if __name__ == "__main__":
    _main()
