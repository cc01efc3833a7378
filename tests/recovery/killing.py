"""Workers that are killed for real, and whoever comes next."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
from django.db import connection

from recovery.domain.addresses import Address
from recovery.driving import drive
from recovery.models import Operation
from tests.recovery.operations import VARIABLE, url_of
from tests.waiting import wait_until

HERE = Path(__file__).resolve().parents[2]


def drive_and_die(operation: Operation, step: str, when: str, *, folders: Path, shop: Address) -> None:
    """Have another process drive until it is killed; whatever it started is gone when this returns."""
    own = connection.settings_dict
    url = f"postgres://{own['USER']}:{own['PASSWORD']}@{own['HOST']}:{own['PORT']}/{own['NAME']}"
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "RECOVERY_DIR": str(folders / "points"),
        "RECOVERY_WORK_DIR": str(folders / "work"),
        VARIABLE: url_of(shop),
    }
    command = [sys.executable, "-m", "tests.recovery.killed_driver", str(operation.pk), step, when]
    process = subprocess.Popen(command, cwd=HERE, env=environment)
    children: dict[int, psutil.Process] = {}
    while process.poll() is None:
        try:
            children |= {one.pid: one for one in psutil.Process(process.pid).children(recursive=True)}
        except psutil.Error:
            break
    assert process.wait(60) == -signal.SIGKILL
    wait_until(lambda: not any(_lives(one) for one in children.values()))


def take_over(operation: Operation) -> None:
    """Drive it to its end, as the next tick does: the server may need a moment to see that its client is dead."""
    wait_until(lambda: drive(operation.pk))


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
