"""What pages of incidents and complaints take where 100,000 incidents lie, 2,000,000 lines of timelines and 1,000,000
complaints, beside one in a hundred of that.

Runs in a process of its own, on a PostgreSQL of its own; one JSON line for each page.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from releaseportal.addresses import BASE_DIR
from tests.machineroom.portal import HARNESS

#: Incidents, lines of each one's timeline, complaints: one in a hundred, then what is promised.
SIZES = ((1_000, 20, 10_000), (100_000, 20, 1_000_000))
ROUNDS = 15
BOUND_MS = 300.0


@dataclass(frozen=True)
class Measured:
    """One page at both sizes: median and p95 in milliseconds of CPU, and its queries."""

    name: str
    small_ms: float
    great_ms: float
    great_p95_ms: float
    small_queries: int
    great_queries: int

    @property
    def is_within(self) -> bool:
        """Whether its median is in time, with as many queries at both sizes; p95 has the garbage collector in it."""
        return self.great_ms < BOUND_MS and self.small_queries == self.great_queries

    def __str__(self) -> str:
        over = "" if self.is_within else "  OVER"
        return (
            f"{self.name:<34} 1 % {self.small_ms:7.1f} ms   100 % {self.great_ms:7.1f} ms, p95 {self.great_p95_ms:7.1f}"
            f"   × {self.great_ms / self.small_ms:5.1f}   {self.small_queries} and {self.great_queries} queries{over}"
        )


def measure() -> Iterator[Measured]:
    """Yield what each page takes."""
    environment = {name: value for name, value in os.environ.items() if name not in HARNESS}
    command = [sys.executable, "-m", "bench.incident_reader"]
    with subprocess.Popen(command, cwd=BASE_DIR, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            yield Measured(**json.loads(line))
    if process.returncode:
        raise SystemExit("the incidents could not be measured: see above")
