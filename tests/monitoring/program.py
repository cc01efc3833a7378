"""A real program of a monitoring system: started here, ready when it says so, ended by its process id."""

import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import pytest
import requests

from tests.machineroom.portal import find_free_port

#: A bound far above what a start takes, also on a machine that does other things.
READY_SECONDS = 60.0
STOP_SECONDS = 20.0


def skip_without(path: str, *, package: str) -> None:
    """Skip the test where a program is not installed, with the line that installs it."""
    if not Path(path).exists():
        pytest.skip(f"{path} is missing: apt-get install --no-install-recommends {package}")


class Program:
    """One process with a port of its own; `command` is called with the port once it is known."""

    def __init__(self, folder: Path, *, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.name = name
        self.port = find_free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def command(self) -> Sequence[str]:
        """Return the program with its arguments; what it reads is written by then."""
        raise NotImplementedError

    def start(self) -> Self:
        """Start it and wait until it calls itself ready."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(list(self.command()), stdout=log, stderr=log, cwd=self.folder)
        limit = time.monotonic() + READY_SECONDS
        while not self._is_ready():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < limit, self.log.read_text()
            time.sleep(0.1)
        return self

    def stop(self) -> None:
        """End it, and wait until it is gone."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_SECONDS)
        self.process = None

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/-/ready", timeout=5).ok
        except requests.RequestException:
            return False
