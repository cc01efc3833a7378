"""How long a restore point and a rollback take, step by step, beside the bare programs on the same database.

A PostgreSQL of its own holds the shop; the steps run in a process of their own on a running portal's database. What
the portal adds is counting, checking, storing and comparing: only the dump and the restore themselves have a bound.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from releaseportal.addresses import BASE_DIR, read_keys
from releaseportal.embedded.postgres import prepare_postgres, remove_cluster, wait_for_postgres
from releaseportal.embedded.server import start_server, stop_server
from tests.machineroom.portal import Portal, make_environment

#: Over the bare program, of the steps that run it.
MOST_OVERHEAD = 0.15
#: The immediate rollback, database included.
RTO_SECONDS = 300.0


@dataclass(frozen=True)
class Line:
    """One thing that was measured; `bare`: the bare program's seconds, 0 where there is none to compare with."""

    name: str
    seconds: float
    bare: float = 0.0
    limit: float = 0.0

    @property
    def is_within(self) -> bool:
        """Tell whether it keeps its bound."""
        if self.limit:
            return self.seconds < self.limit
        return not self.bare or self.seconds <= self.bare * (1 + MOST_OVERHEAD)

    def __str__(self) -> str:
        over = "" if self.is_within else "  OVER"
        beside = f"   bare {self.bare:7.2f} s   {self.seconds / self.bare - 1:+.0%}" if self.bare else ""
        return f"{self.name:<44} {self.seconds:7.2f} s{beside}{over}"


def measure(portal: Portal, *, folder: Path, megabytes: int) -> Iterator[Line]:
    """Yield what each step takes on a database of that size."""
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / "shop"
    place.mkdir(mode=0o711)
    server = prepare_postgres(place, throw_away=True)
    process = start_server(server, log=place / "postgres.log")
    try:
        url = read_keys(place)["database_owner_url"]
        wait_for_postgres(url, log=place / "postgres.log")
        told = portal.read()
        environment = make_environment(portal.data_dir) | {
            "DJANGO_SETTINGS_MODULE": "releaseportal.settings",
            "DATABASE_URL": told["database_url"],
            "REDIS_URL": told["redis_url"],
            "SECRET_KEY": "the bench signs nothing that lasts",
            "RECOVERY_DIR": str(folder / "points"),
            "RECOVERY_WORK_DIR": str(folder / "work"),
            "TARGET_BENCH_URL": f"{url.rpartition('/')[0]}/shop",
        }
        command = [sys.executable, "-m", "bench.restorer", str(megabytes)]
        with subprocess.Popen(command, cwd=BASE_DIR, env=environment, stdout=subprocess.PIPE, text=True) as measuring:
            for line in measuring.stdout or ():
                yield Line(**json.loads(line))
        if measuring.returncode:
            raise SystemExit("recovery could not be measured: see above")
    finally:
        stop_server(process, stop_signal=server.stop_signal)
        remove_cluster(place)
        shutil.rmtree(folder, ignore_errors=True)
