"""What a broadcast to 10,000 readers takes to be written, and how long an urgent mail waits beside it.

Runs in a process of its own, on a PostgreSQL and a mail server of its own; one JSON line for each figure.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from releaseportal.addresses import BASE_DIR
from tests.machineroom.portal import HARNESS

READERS = 10_000
WRITTEN_WITHIN_SECONDS = 2.0
#: Urgent mails that are sent alone, then while the broadcast goes out.
URGENT = 30
#: A broadcast may share the machine with them; it may not keep them in a queue.
MOST_RATIO = 5.0


@dataclass(frozen=True)
class Measured:
    """A figure, its unit and the bound that it must keep."""

    name: str
    value: float
    unit: str
    bound: float

    @property
    def is_within(self) -> bool:
        return self.value <= self.bound

    def __str__(self) -> str:
        over = "" if self.is_within else "  OVER"
        return f"{self.name:<58} {self.value:8.2f} {self.unit} of {self.bound:g}{over}"


def measure() -> Iterator[Measured]:
    """Yield each figure."""
    environment = {name: value for name, value in os.environ.items() if name not in HARNESS}
    command = [sys.executable, "-m", "bench.outbox_sender"]
    with subprocess.Popen(command, cwd=BASE_DIR, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            yield Measured(**json.loads(line))
    if process.returncode:
        raise SystemExit("the outbox could not be measured: see above")
