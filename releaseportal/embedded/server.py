"""A server as a foreground child: how to start it, when it answers, how to stop it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from releaseportal.embedded.account import Account
from releaseportal.embedded.faults import EmbeddedFault

CHILD = Path(__file__).with_name("child.py")


@dataclass(frozen=True)
class Server:
    """A command line and its surroundings; starting it changes nothing here."""

    name: str
    command: tuple[str, ...]
    folder: Path
    stop_signal: signal.Signals
    account: Account | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


def wrap_command(server: Server, *, death_signal: signal.Signals) -> list[str]:
    """Return the argument list for a child of THIS process that leaves together with it."""
    wrapped = [sys.executable, "-I", "-S", str(CHILD), "--parent", str(os.getpid()), "--signal", str(int(death_signal))]
    if server.account is not None:
        wrapped += ["--uid", str(server.account.uid), "--gid", str(server.account.gid)]
    return [*wrapped, "--", *server.command]


def start_server(server: Server, *, log: Path) -> "subprocess.Popen[bytes]":
    """Start a server as a child of this process; call from the main thread, which the child outlives never."""
    with log.open("ab") as output:
        return subprocess.Popen(
            wrap_command(server, death_signal=server.stop_signal),
            cwd=server.folder,
            env={**os.environ, **server.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Ctrl-C belongs to the parent, which stops its servers in order.
            start_new_session=True,
        )


def stop_server(
    process: "subprocess.Popen[bytes]", *, stop_signal: signal.Signals, patience_seconds: float = 20
) -> None:
    """Stop a child that start_server gave; it is gone when this returns."""
    if process.poll() is not None:
        return
    process.send_signal(stop_signal)
    try:
        process.wait(patience_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until_gone(pid: int, *, seconds: float) -> bool:
    """Return whether a process that is not our child has ended in time."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def read_tail(log: Path, *, lines: int = 3) -> str:
    """Return the last lines of a log as one line, for a message."""
    try:
        return " | ".join(log.read_text(errors="replace").strip().splitlines()[-lines:])
    except OSError:
        return ""


def find_wheel_folder(package: str) -> Path:
    """Return an installed package's folder without importing it: both warn or act at import."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedFault(
            f"The embedded servers are not installed ({package}): run `make up`, "
            "or give DATABASE_URL and REDIS_URL of your own servers."
        )
    return Path(next(iter(spec.submodule_search_locations)))
