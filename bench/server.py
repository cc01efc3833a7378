"""A web process of its own, as `make up` starts one, that serves the bench's flags.

It stands on a running portal's database (tokens, tills, their contacts) and takes its flags from
the snapshot on disk, whose revision the database never reaches.
"""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from bench.world import furnish, list_flags
from flags.snapshot_file import SnapshotFile
from releaseportal.addresses import BASE_DIR
from releaseportal.embedded.programs import Plan, list_programs
from tests.machineroom.portal import Portal, find_free_port, make_environment

START_SECONDS = 60.0


@dataclass(frozen=True)
class Server:
    """A running web process."""

    port: int
    process: psutil.Process

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cpu_seconds(self) -> float:
        """Return the CPU time the process has used so far, its own and the kernel's for it."""
        times = self.process.cpu_times()
        return times.user + times.system


@contextmanager
def serve(portal: Portal, folder: Path, *, flags: Mapping[str, int]) -> Iterator[Server]:
    """Serve so many flags in each environment (by key) until the block ends."""
    found = SnapshotFile(portal.data_dir / "snapshots").read()
    furnished = [furnish(one, list_flags(flags[one.key])) for one in found if one.key in flags]
    if len(furnished) != len(flags) or not SnapshotFile(folder / "snapshots").write(furnished):
        raise SystemExit("the portal left no snapshot of its environments on disk")
    told, port = portal.read(), find_free_port()
    environment = make_environment(folder, PORT=str(port)) | {
        "DJANGO_SETTINGS_MODULE": "releaseportal.settings",
        "DATABASE_URL": told["database_url"],
        "REDIS_URL": told["redis_url"],
        "SECRET_KEY": "the bench signs nothing that lasts",
    }
    process = subprocess.Popen([sys.executable, *_arguments(port)], cwd=BASE_DIR, env=environment)
    try:
        server = Server(port, psutil.Process(process.pid))
        _wait(server)
        yield server
    finally:
        process.terminate()
        process.wait(30)


def _arguments(port: int) -> list[str]:
    """Return the web process's arguments exactly as `up` runs it, with the bench's application."""
    plan = Plan(
        BASE_DIR, BASE_DIR, "127.0.0.1", port, "", own_database=False, own_broker=False, demo=False, fleet=False
    )
    [web] = [one for one in list_programs(plan) if one.name == "web"]
    portal, bench = "releaseportal.asgi:application", "bench.app:application"
    return [bench if argument == portal else argument for argument in web.command[1:]]


def _wait(server: Server) -> None:
    limit = time.monotonic() + START_SECONDS
    while True:
        try:
            requests.get(f"{server.url}/healthz", timeout=2)
        except requests.RequestException:
            if time.monotonic() > limit:
                raise SystemExit("the web process of the bench did not start: see above") from None
            time.sleep(0.1)
        else:
            return
