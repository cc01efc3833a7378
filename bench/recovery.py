"""How long a deployment and the rollback of application and database take, step by step, beside the bare programs.

A PostgreSQL of its own holds the database of the demo's till; where a container engine can be started, so does its
application. The steps run in a process of their own on a running portal's database. What the portal adds is counting,
checking, storing and comparing: only the dump and the restore themselves have a bound.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from releaseportal.addresses import BASE_DIR, read_keys
from releaseportal.embedded.postgres import prepare_postgres, remove_cluster, wait_for_postgres
from releaseportal.embedded.server import start_server, stop_server
from tests.machineroom.portal import Portal, make_environment
from tests.recovery.engine import FOLDERS, find_missing, find_port, start_engine
from tests.recovery.till_image import push_till, write_till_project

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


#: The variable with the database's address, and the one with what `_start_application` started.
DATABASE = "TARGET_BENCH_URL"
APPLICATION = "BENCH_APPLICATION"


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
            DATABASE: f"{url.rpartition('/')[0]}/shop",
        }
        command = [sys.executable, "-m", "bench.restorer", str(megabytes)]
        with (
            _start_application(folder / "project", url=environment[DATABASE]) as variables,
            subprocess.Popen(
                command, cwd=BASE_DIR, env=environment | variables, stdout=subprocess.PIPE, text=True
            ) as measuring,
        ):
            for line in measuring.stdout or ():
                yield Line(**json.loads(line))
        if measuring.returncode:
            raise SystemExit("recovery could not be measured: see above")
    finally:
        stop_server(process, stop_signal=server.stop_signal)
        remove_cluster(place)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _start_application(folder: Path, *, url: str) -> Iterator[dict[str, str]]:
    """Give the variables that lead to an engine with both versions of the till; none where no engine can be started."""
    if missing := find_missing():
        print(f"without the application: {missing}", flush=True)
        yield {}
        return
    # Not in the bench's folder: what an engine leaves there only it can remove in peace.
    home = Path(tempfile.mkdtemp(prefix="releaseportal-engine-"))
    try:
        with start_engine(home) as engine:
            port = find_port()
            write_till_project(folder, port=port, url=url)
            images = {version: push_till(engine, version) for version in ("1.2.0", "1.3.0")}
            yield {
                "PATH": f"{FOLDERS}:{os.environ['PATH']}",
                "DOCKER_HOST": engine.host,
                APPLICATION: json.dumps({"folder": str(folder), "port": port, "images": images}),
            }
    finally:
        shutil.rmtree(home, ignore_errors=True)
