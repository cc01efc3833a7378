"""A throw-away PostgreSQL and Valkey for one test run, and settings that point to them.

`DATABASE_URL` (with `DATABASE_OWNER_URL`, a role that may create databases) or `REDIS_URL` in the
environment win. The servers end with this process, however it ends.
"""

import atexit
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import django
import pytest
from django.conf import settings

from releaseportal.addresses import find_addresses
from releaseportal.embedded.postgres import prepare_postgres, remove_cluster, wait_for_postgres
from releaseportal.embedded.server import Server, start_server, stop_server
from releaseportal.embedded.valkey import prepare_valkey, wait_for_valkey


@dataclass(frozen=True)
class Running:
    server: Server
    process: "subprocess.Popen[bytes]"


_running: list[Running] = []


def start() -> None:
    """Start what no address is given for, set the environment, and load Django."""
    if settings.configured:
        # Settings were read before the addresses were known: they may point to a live database.
        pytest.exit("Unset DJANGO_SETTINGS_MODULE: the test harness chooses the settings itself.", returncode=4)
    data_dir = Path(tempfile.mkdtemp(prefix="releaseportal-tests-"))
    data_dir.chmod(0o711)
    (data_dir / "static").mkdir()
    atexit.register(_stop, data_dir)
    given_database = os.environ.get("DATABASE_URL")
    if not given_database:
        _run(prepare_postgres(data_dir, throw_away=True), data_dir=data_dir)
    if not os.environ.get("REDIS_URL"):
        _run(prepare_valkey(data_dir), data_dir=data_dir)
    found = find_addresses(data_dir, environment=os.environ)
    if not given_database:
        wait_for_postgres(found.database_url, log=data_dir / "postgres.log")
    if not os.environ.get("REDIS_URL"):
        wait_for_valkey(found.redis_url, log=data_dir / "valkey.log")
    os.environ.update(
        DJANGO_SETTINGS_MODULE="releaseportal.settings",
        DATA_DIR=str(data_dir),
        SECRET_KEY=found.secret_key,
        DATABASE_URL=found.database_url,
        DATABASE_OWNER_URL=found.database_owner_url,
        REDIS_URL=found.redis_url,
    )
    django.setup()


def has_own_database() -> bool:
    """Tell whether the database's server is of this run: with the roles and rights that it was made with."""
    return any(one.server.name == "postgres" for one in _running)


def pytest_unconfigure() -> None:
    """End the servers as soon as the run is over."""
    _end_servers()


def _run(server: Server, *, data_dir: Path) -> None:
    _running.append(Running(server, start_server(server, log=data_dir / f"{server.name}.log")))


def _end_servers() -> None:
    while _running:
        one = _running.pop()
        stop_server(one.process, stop_signal=one.server.stop_signal)


def _stop(data_dir: Path) -> None:
    _end_servers()
    remove_cluster(data_dir)
    shutil.rmtree(data_dir, ignore_errors=True)
