"""What it takes to evaluate the guardrails of all rollouts under way, and how that grows with sites.

Runs in a process of its own, on a PostgreSQL of its own; one JSON line for each case. The least of several rounds
counts, since whatever else the machine does can only add.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from releaseportal.addresses import BASE_DIR
from tests.machineroom.portal import HARNESS

ROUNDS = 5
#: Of all that one round of evaluation does.
BOUND_SECONDS = 2.0


@dataclass(frozen=True)
class Case:
    """Running rollouts of one environment, flags of each, sites of the environment: half of them see the flags."""

    rollouts: int
    flags: int
    sites: int


#: What is promised, and one rollout at more and more sites.
CASES = (Case(1, 8, 10), Case(1, 8, 100), Case(1, 8, 1_000), Case(100, 8, 50))


@dataclass(frozen=True)
class Measured:
    """One case: seconds of each part, queries of the lanes that remember, and of the watch of every second."""

    case: Case
    seconds: Mapping[str, float]
    lane_queries: int
    watch_queries: int

    @property
    def total(self) -> float:
        """The dearest round: a minute is taken in, and the critical lane is due as well."""
        return self.seconds["a minute more"] + self.seconds["critical and complaints"]

    @property
    def is_within(self) -> bool:
        return self.total < BOUND_SECONDS

    def __str__(self) -> str:
        parts = "   ".join(f"{name} {1_000 * spent:7.1f} ms" for name, spent in self.seconds.items())
        over = "" if self.is_within else "  OVER"
        return (
            f"{self.case.rollouts:>4} rollouts × {self.case.flags} flags × {self.case.sites:>5} sites"
            f"   all {self.total:6.3f} s   {parts}   {self.lane_queries} and {self.watch_queries} queries{over}"
        )


def measure() -> Iterator[Measured]:
    """Yield what each case takes."""
    environment = {name: value for name, value in os.environ.items() if name not in HARNESS}
    command = [sys.executable, "-m", "bench.evaluator"]
    with subprocess.Popen(command, cwd=BASE_DIR, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            told = json.loads(line)
            yield Measured(**told | {"case": Case(**told["case"])})
    if process.returncode:
        raise SystemExit("the evaluation could not be measured: see above")
