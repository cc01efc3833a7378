"""Random kills of a portal's parts, and the memory of its web process meanwhile."""

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import psutil

from tests.scenarios.outage import PARTS
from tests.scenarios.stage import Stage

MIB = 1_048_576
SAMPLE_SECONDS = 2.0
#: Caches fill and pools open at first.
WARM_UP_SECONDS = 60.0
#: Of the samples, at either end of what is compared.
SHARE = 0.2
#: More growth than this between both ends is a leak; less is what an allocator keeps.
MOST_GROWTH = 0.05
#: A shorter life says nothing about growth.
LEAST_SECONDS = 300.0


class Siege(threading.Thread):
    """Kills a part with SIGKILL at random moments, never one that is still away."""

    def __init__(self, stage: Stage, *, parts: Sequence[str], dice: random.Random, every: tuple[float, float]) -> None:
        super().__init__(name="siege", daemon=True)
        self.killed: Counter[str] = Counter()
        self._stage, self._parts, self._dice, self._every = stage, parts, dice, every
        self._done = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._done.set()
        self.join()

    def run(self) -> None:
        last: dict[str, int] = {}
        while not self._done.wait(self._dice.uniform(*self._every)):
            part = self._dice.choice(self._parts)
            pid = self._stage.tell(*PARTS[part])
            if pid == last.get(part) or not psutil.pid_exists(pid):
                continue
            last[part] = pid
            os.kill(pid, signal.SIGKILL)
            self.killed[part] += 1


@dataclass
class Life:
    """One web process: its resident memory over time."""

    pid: int
    seconds: list[float] = field(default_factory=list)
    rss_bytes: list[int] = field(default_factory=list)

    @property
    def lasted(self) -> float:
        return self.seconds[-1] - self.seconds[0] if self.seconds else 0.0

    def measure_growth(self) -> tuple[float, float] | None:
        """Return the median memory of the first and of the last fifth after the warm-up, in bytes."""
        warm = [
            rss
            for second, rss in zip(self.seconds, self.rss_bytes, strict=True)
            if second - self.seconds[0] >= WARM_UP_SECONDS
        ]
        count = int(len(warm) * SHARE)
        if not count:
            return None
        return sorted(warm[:count])[count // 2], sorted(warm[-count:])[count // 2]

    def is_flat(self) -> bool:
        """Tell whether it stays within the bound; a short life does, for it says nothing."""
        ends = self.measure_growth()
        return ends is None or self.lasted < LEAST_SECONDS or ends[1] <= ends[0] * (1 + MOST_GROWTH)

    def __str__(self) -> str:
        ends = self.measure_growth()
        shown = f"{ends[0] / MIB:.1f} → {ends[1] / MIB:.1f} MiB" if ends else f"{self.rss_bytes[-1] / MIB:.1f} MiB"
        return f"web process {self.pid}: {self.lasted:.0f} s, {shown}, highest {max(self.rss_bytes) / MIB:.1f} MiB"


class MemoryWatch(threading.Thread):
    """Samples the resident memory of the web process, each process by itself."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(name="memory", daemon=True)
        self.lives: dict[int, Life] = {}
        self._stage = stage
        self._done = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._done.set()
        self.join()

    def run(self) -> None:
        while not self._done.wait(SAMPLE_SECONDS):
            pid = self._stage.tell("pids", "web")
            try:
                rss = psutil.Process(pid).memory_info().rss
            except psutil.NoSuchProcess:
                continue
            life = self.lives.setdefault(pid, Life(pid))
            life.seconds.append(time.monotonic())
            life.rss_bytes.append(rss)

    def find_longest(self) -> Life:
        """Return the process that lived longest."""
        return max(self.lives.values(), key=lambda life: life.lasted)
