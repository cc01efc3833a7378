"""kill -9 of one part of a portal, which stays away as long as its supervisor is halted."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from tests.scenarios.stage import Stage

#: Each part of the portal, and where portal.json names its process.
PARTS = {
    "worker": ("pids", "worker"),
    "beat": ("pids", "beat"),
    "valkey": ("servers", "valkey"),
    "web": ("pids", "web"),
    "postgres": ("servers", "postgres"),
}


@contextmanager
def part_gone(stage: Stage, *parts: str) -> Iterator[None]:
    """Kill the parts; afterwards their supervisor starts them again, and all is ready when this returns."""
    before = {part: stage.tell(*PARTS[part]) for part in parts}
    stage.portal.process.send_signal(signal.SIGSTOP)
    try:
        for pid in before.values():
            os.kill(pid, signal.SIGKILL)
        yield
    finally:
        stage.portal.process.send_signal(signal.SIGCONT)
    stage.wait(lambda: all(stage.tell(*PARTS[part]) != pid for part, pid in before.items()))
    stage.wait(stage.is_ready)
