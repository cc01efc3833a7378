"""A portal of its own, started as a person starts it: `manage.py up` in a process."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil

from releaseportal.addresses import BASE_DIR

#: What the test run's own servers have put into the environment.
HARNESS = (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "DATA_DIR",
    "DJANGO_SETTINGS_MODULE",
    "PORT",
    # A portal is a dozen processes, one after another: each would compile the whole product anew.
    "PYTHONDONTWRITEBYTECODE",
)
#: All people of the tests come from one address, and within minutes.
NO_LIMIT = {"SIGN_INS_PER_MINUTE": "1000000"}
#: A bound far above what a start takes, also on a machine that does other things.
READY_SECONDS = 300.0


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_environment(data_dir: Path, **more: str) -> dict[str, str]:
    """Return the environment of a fresh shell, without the test run's addresses."""
    plain = {name: value for name, value in os.environ.items() if name not in HARNESS}
    given = {"DATA_DIR": str(data_dir), "DEMO": "0", "TILL_PORT": "0", "PYTHONUNBUFFERED": "1"}
    return plain | NO_LIMIT | given | more


def run_manage(
    *arguments: str, environment: Mapping[str, str], seconds: float = READY_SECONDS
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=BASE_DIR,
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


class Portal:
    """One `manage.py up`; every process seen below it is remembered until it has ended.

    `more` goes into its environment: DEMO="1" loads the demo, FLEET="0" keeps the tills quiet,
    TILL_PORT serves the example till.
    """

    def __init__(self, data_dir: Path, **more: str) -> None:
        self.data_dir = data_dir
        self.port = find_free_port()
        self.output = data_dir.with_name(f"{data_dir.name}-{self.port}.out")
        self.seen: set[psutil.Process] = set()
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                cwd=BASE_DIR,
                env=make_environment(data_dir, PORT=str(self.port), **more),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_ready(self) -> "Portal":
        self.wait(lambda: "Ctrl-C stops everything" in self.output.read_text())
        self.look()
        return self

    def wait(self, condition: Callable[[], bool], *, seconds: float = READY_SECONDS) -> None:
        limit = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, f"up has ended: {self.output.read_text()}"
            assert time.monotonic() < limit, f"in vain: {self.output.read_text()}"
            time.sleep(0.1)

    def look(self) -> None:
        """Remember every process that runs below this one."""
        self.seen |= set(psutil.Process(self.process.pid).children(recursive=True))

    def read(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.data_dir / "portal.json").read_text())
        return found

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal to this portal's supervisor; return its exit code."""
        if self.process.poll() is None:
            self.look()
            self.process.send_signal(number)
        return self.process.wait(40)

    def find_left(self, *, seconds: float = 15) -> list[psutil.Process]:
        """Return those of the remembered processes that still run after a while."""
        _, left = psutil.wait_procs(list(self.seen), timeout=seconds)
        return left


def assert_one_line(text: str, *words: str) -> None:
    """Hold that what was printed is one line with these words in it."""
    lines = text.strip().splitlines()
    assert len(lines) == 1, text
    for word in words:
        assert word in lines[0], text
