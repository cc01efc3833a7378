"""A server as a foreground child: how to start it, when it answers, how to stop it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from releaseportal.embedded.account import Account
from releaseportal.embedded.faults import EmbeddedError

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
    before_start: Callable[[], None] | None = None
    # What the kernel sends when the parent ends without a word; None: stop_signal.
    death_signal: signal.Signals | None = None
    # The rest goes on without it: after exit code 1, its own refusal, it is not started again.
    may_give_up: bool = False


def wrap_command(server: Server) -> list[str]:
    """Return the argument list for a child of THIS process that leaves together with it."""
    death_signal = server.death_signal or server.stop_signal
    wrapped = [sys.executable, "-I", "-S", str(CHILD), "--parent", str(os.getpid()), "--signal", str(int(death_signal))]
    if server.account is not None:
        wrapped += ["--uid", str(server.account.uid), "--gid", str(server.account.gid)]
    return [*wrapped, "--", *server.command]


def start_server(server: Server, *, log: Path) -> "subprocess.Popen[bytes]":
    """Start a server as a child of this process.

    Call from the main thread: Linux takes the end of the starting THREAD for the parent's end.
    """
    if server.before_start is not None:
        server.before_start()
    with log.open("ab") as output:
        return subprocess.Popen(
            wrap_command(server),
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
        raise EmbeddedError(
            f"The embedded servers are not installed ({package}): run `make up`, "
            "or give DATABASE_URL and REDIS_URL of your own servers."
        )
    return Path(next(iter(spec.submodule_search_locations)))
