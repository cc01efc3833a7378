"""How planning grows with sites: the preview drawn, the plan written, its page drawn, queries counted.

Runs in a process of its own on a running portal's database; one JSON line for each size. The least of
several rounds counts, since whatever else the machine does can only add.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from releaseportal.addresses import BASE_DIR
from tests.machineroom.portal import Portal, make_environment

#: (sites, flags), the greatest last: what a plan must bear.
SIZES = ((10, 50), (100, 50), (1_000, 50))
ROUNDS = 5
PREVIEW_SECONDS, PAGE_SECONDS = 2.0, 1.0
WHY = "measured"


@dataclass(frozen=True)
class Measured:
    """One size: seconds, and the queries of the rollout's page."""

    sites: int
    flags: int
    steps: int
    preview: float
    write: float
    page: float
    plan_page: float
    queries: int

    def is_within(self) -> bool:
        """Tell whether what people wait for keeps its bound."""
        return self.preview < PREVIEW_SECONDS and self.page < PAGE_SECONDS

    def __str__(self) -> str:
        over = "" if self.is_within() else "  OVER"
        return (
            f"{self.sites:>6} sites × {self.flags} flags  {self.steps:>6} steps   preview {self.preview:6.2f} s"
            f"   written {self.write:6.2f} s   page {self.page:5.2f} s in {self.queries} queries"
            f"   plan's page {self.plan_page:5.2f} s{over}"
        )


def measure(portal: Portal) -> Iterator[Measured]:
    """Yield what each size takes on a running portal's database."""
    told = portal.read()
    environment = make_environment(portal.data_dir) | {
        "DJANGO_SETTINGS_MODULE": "releaseportal.settings",
        "DATABASE_URL": told["database_url"],
        "REDIS_URL": told["redis_url"],
        "SECRET_KEY": "the bench signs nothing that lasts",
    }
    command = [sys.executable, "-m", "bench.plans"]
    with subprocess.Popen(command, cwd=BASE_DIR, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            yield Measured(**json.loads(line))
    if process.returncode:
        raise SystemExit("planning could not be measured: see above")


def _main() -> None:
    import django  # noqa: PLC0415  # before anything of the portal

    django.setup()
    for sites, flags in SIZES:
        print(json.dumps(asdict(_measure_size(sites, flags))), flush=True)


def _measure_size(site_count: int, flag_count: int) -> Measured:
    from django.db import connection  # noqa: PLC0415  # as above

    from core import clock  # noqa: PLC0415  # as above
    from core.actors import DEMO  # noqa: PLC0415  # as above
    from flags.models import Environment, Segment  # noqa: PLC0415  # as above
    from flags.transitions import NewMember, create_flag, create_site  # noqa: PLC0415  # as above
    from rollouts.plan_view import view_plan  # noqa: PLC0415  # as above
    from rollouts.transitions import PlanRequest, create_release, draw_plan, plan_rollout  # noqa: PLC0415  # as above

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
    preview = _least(lambda: view_plan(draw_plan(request, now=now)))
    began = time.perf_counter()
    rollout = plan_rollout(request=request, **by)
    written = time.perf_counter() - began
    get = _sign_in()
    queries: list[str] = []

    def note(execute: Callable[..., object], *asked: Any) -> object:
        queries.append(asked[0])
        return execute(*asked)

    get(f"/rollouts/{rollout.pk}/")
    with connection.execute_wrapper(note):
        get(f"/rollouts/{rollout.pk}/")
    return Measured(
        sites=site_count,
        flags=flag_count,
        steps=rollout.steps.count(),
        preview=preview,
        write=written,
        page=_least(lambda: get(f"/rollouts/{rollout.pk}/")),
        plan_page=_least(lambda: get(f"/rollouts/{rollout.pk}/plan/")),
        queries=len(queries),
    )


def _sign_in() -> Callable[[str], None]:
    """Return a function that draws a page for a release manager, and fails where it is none."""
    from django.conf import settings  # noqa: PLC0415  # as above
    from django.test import Client  # noqa: PLC0415  # as above

    from core.models import User  # noqa: PLC0415  # as above

    settings.ALLOWED_HOSTS = ["testserver"]
    client = Client()
    manager = User.objects.filter(groups__name="release manager").earliest("pk")
    client.force_login(manager, backend="allauth.account.auth_backends.AuthenticationBackend")

    def get(path: str) -> None:
        answer = client.get(path)
        if answer.status_code != 200:
            raise SystemExit(f"{path} answers {answer.status_code}")

    return get


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
