"""The process of its own in which planning is measured, on the database that its environment names."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import django

django.setup()

from django.conf import settings
from django.db import connection
from django.test import Client

from bench.plans import ROUNDS, SIZES, Measured
from core import clock
from core.actors import DEMO
from core.models import User
from flags.models import Environment, Segment, SegmentMember, Site
from flags.transitions import NewMember, create_flag, create_site
from rollouts.drawing import PlanRequest
from rollouts.models import Rollout, Trigger
from rollouts.transitions import create_release, plan_rollout, roll_back, run_next_step, schedule_rollout
from rollouts.transitions.approving import request_approval, withdraw_request

WHY = "measured"


def _main() -> None:
    for sites, flags in SIZES:
        print(json.dumps(asdict(_measure_size(sites, flags))), flush=True)


def _measure_size(site_count: int, flag_count: int) -> Measured:
    now, size = clock.now(), f"{site_count}x{flag_count}"
    by: dict[str, Any] = {"actor": DEMO, "reason": WHY, "now": now}
    flags = [create_flag(key=f"f{n}-{size}", name=f"Flag {n}", **by).pk for n in range(flag_count)]
    sites = [create_site(key=f"s{n}-{size}", name=f"{size} {n:04}", city="—", **by).pk for n in range(site_count)]
    request = PlanRequest(
        release_id=create_release(version=size, flag_ids=flags, **by).pk,
        environment_id=Environment.objects.earliest("position").pk,
        testers_id=Segment.objects.earliest("pk").pk,
        pilots=tuple(NewMember(f"pilot-{n}") for n in range(4)),
        site_ids=tuple(sites),
        start_on=(now + timedelta(days=7)).date(),
    )
    get, post = _sign_in()
    preview = _least(lambda: post("/rollouts/plan/", _fill_in(request)))
    began = time.perf_counter()
    rollout = plan_rollout(request=request, **by)
    written = time.perf_counter() - began
    queries: list[str] = []

    def note(execute: Callable[..., object], *asked: Any) -> object:
        queries.append(asked[0])
        return execute(*asked)

    get(f"/rollouts/{rollout.pk}/")
    with connection.execute_wrapper(note):
        get(f"/rollouts/{rollout.pk}/")
    page = _least(lambda: get(f"/rollouts/{rollout.pk}/"))
    plan_page = _least(lambda: get(f"/rollouts/{rollout.pk}/plan/"))
    return Measured(
        sites=site_count,
        flags=flag_count,
        steps=rollout.steps.count(),
        preview=preview,
        write=written,
        page=page,
        plan_page=plan_page,
        board=_least(lambda: get(f"/rollouts/{rollout.pk}/board/")),
        queries=len(queries),
        asked_page=_measure_asked(rollout, get),
        rolled_back=_measure_rollback(rollout),
    )


def _measure_asked(rollout: Rollout, get: Callable[[str], None]) -> float:
    """Return the seconds of the page of a plan that waits for approval: its content is hashed for each."""
    place = Environment.objects.filter(pk=rollout.environment_id)
    place.update(required_approvals=1)
    request_approval(rollout_id=rollout.pk, actor=DEMO, reason=WHY, now=clock.now())
    seconds = _least(lambda: get(f"/rollouts/{rollout.pk}/"))
    place.update(required_approvals=0)
    return seconds


def _measure_rollback(rollout: Rollout) -> float:
    """Return the seconds until all flags of a rollout are off, once its first step is done: the last of a size."""
    by: dict[str, Any] = {"rollout_id": rollout.pk, "actor": DEMO, "reason": WHY}
    withdraw_request(**by, now=clock.now())
    schedule_rollout(**by, now=clock.now())
    due_at = rollout.steps.earliest("position").due_at
    run_next_step(rollout_id=rollout.pk, now=due_at)
    began = time.perf_counter()
    roll_back(**by, flag_ids=None, trigger=Trigger.MANUAL, now=due_at)
    return time.perf_counter() - began


def _fill_in(request: PlanRequest) -> dict[str, Any]:
    """Return the planner's form as a browser sends it, with a field for each site."""
    pilots = SegmentMember.objects.filter(segment=request.testers_id).order_by("pk")[:4]
    sites = dict(Site.objects.filter(pk__in=request.site_ids).values_list("pk", "key"))
    return {
        "release": request.release_id,
        "environment": request.environment_id,
        "testers": request.testers_id,
        "pilots": [member.targeting_key for member in pilots],
        "sites": [sites[pk] for pk in request.site_ids],
        "start_on": str(request.start_on),
        "promotion_time": "06:00",
        "preview": "1",
    }


def _sign_in() -> tuple[Callable[[str], None], Callable[[str, dict[str, Any]], None]]:
    """Return functions that draw a page, and send a form, for a release manager, and fail where that fails."""

    settings.ALLOWED_HOSTS = ["testserver"]
    client = Client()
    manager = User.objects.filter(groups__name="release manager").earliest("pk")
    client.force_login(manager, backend="allauth.account.auth_backends.AuthenticationBackend")

    def get(path: str) -> None:
        answer = client.get(path)
        if answer.status_code != 200:
            raise SystemExit(f"{path} answers {answer.status_code}")

    def post(path: str, form: dict[str, Any]) -> None:
        answer = client.post(path, form)
        if answer.status_code != 200 or b'id="preview"' not in answer.content:
            raise SystemExit(f"{path} answers {answer.status_code}")

    return get, post


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
