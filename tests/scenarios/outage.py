"""kill -9 of parts of a portal, away as long as their supervisor is halted; a web process that starts then."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from releaseportal.addresses import BASE_DIR
from tests.machineroom.portal import find_free_port, make_environment
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


@contextmanager
def web_process(stage: Stage) -> Iterator[str]:
    """A second web process on the portal's data directory, outside its supervisor; gives its address."""
    port = find_free_port()
    command = [sys.executable, "-m", "uvicorn", "releaseportal.asgi:application", "--port", str(port)]
    command += ["--log-level", "warning", "--timeout-graceful-shutdown", "3"]
    environment = make_environment(stage.portal.data_dir, DJANGO_SETTINGS_MODULE="releaseportal.settings")
    with subprocess.Popen(command, cwd=BASE_DIR, env=environment) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
