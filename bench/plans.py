"""How planning grows with sites: the preview's page, the plan written, its page drawn, queries counted.

Runs in a process of its own on a running portal's database; one JSON line for each size. The least of
several rounds counts, since whatever else the machine does can only add.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from releaseportal.addresses import BASE_DIR
from tests.machineroom.portal import Portal, make_environment

#: (sites, flags), the greatest last: what a plan must bear.
SIZES = ((10, 50), (100, 50), (1_000, 50))
ROUNDS = 5
PREVIEW_SECONDS, PAGE_SECONDS = 2.0, 1.0


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
    asked_page: float
    board: float
    rolled_back: float
    queries: int

    @property
    def is_within(self) -> bool:
        """Tell whether what people wait for keeps its bound."""
        return (
            self.preview < PREVIEW_SECONDS
            and max(self.page, self.plan_page, self.asked_page, self.board) < PAGE_SECONDS
        )

    def __str__(self) -> str:
        over = "" if self.is_within else "  OVER"
        return (
            f"{self.sites:>6} sites × {self.flags} flags  {self.steps:>6} steps   preview {self.preview:6.2f} s"
            f"   written {self.write:6.2f} s   page {self.page:5.2f} s in {self.queries} queries"
            f"   plan's page {self.plan_page:5.2f} s   board {self.board:5.2f} s"
            f"   taken back {self.rolled_back:5.2f} s"
            f"   page while it waits for approval {self.asked_page:5.2f} s{over}"
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
    command = [sys.executable, "-m", "bench.planner"]
    with subprocess.Popen(command, cwd=BASE_DIR, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            yield Measured(**json.loads(line))
    if process.returncode:
        raise SystemExit("planning could not be measured: see above")
