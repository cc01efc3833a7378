"""External programs: argument lists, bounded in time and output, scrubbed of secrets, gone with their children."""

import codecs
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from recovery.domain.scrubbing import Clipped, Scrubber

GUARD = Path(__file__).with_name("guard.py")
#: Exit codes of the guard, which no program here gives by itself.
TIMED_OUT = 124
NOT_FOUND = 127
#: The guard ends its program by itself; beyond this the guard is ended, too.
GUARD_PATIENCE_SECONDS = 10.0
CHUNK_BYTES = 65_536
#: What programs need of our own environment: nothing of the portal's settings, which hold its secrets.
PASSED_ON = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "XDG_RUNTIME_DIR", "SSH_AUTH_SOCK"),
    *("DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY", "DOCKER_CONTEXT"),
)


@dataclass(frozen=True)
class Command:
    """What to run. `environment`: added to the few variables passed on; `secrets`: never shown, whoever prints them.

    `holds_stdin`: its input ends only when the program does, or whoever asked for it.
    """

    arguments: tuple[str, ...]
    seconds: float
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    stdin: str = ""
    holds_stdin: bool = False
    folder: Path | None = None

    @property
    def name(self) -> str:
        """Return the program's name without its folder."""
        return Path(self.arguments[0]).name


@dataclass(frozen=True)
class Outcome:
    """How it went. `output`: both streams as they came, clipped in the middle; `seconds`: how long it took."""

    code: int
    output: str
    seconds: float

    @property
    def is_ok(self) -> bool:
        return self.code == 0

    @property
    def is_timed_out(self) -> bool:
        return self.code == TIMED_OUT

    @property
    def last_line(self) -> str:
        """Return the last line printed: with most programs it says what went wrong."""
        return next((line.strip() for line in reversed(self.output.splitlines()) if line.strip()), "")


def run(command: Command, *, on_output: Callable[[str], None] | None = None) -> Outcome:
    """Run a command to its end and return how it went; whatever the program does, no exception is raised.

    `on_output` gets each piece of output as it comes, scrubbed already. The program ends when this process does.
    """
    if any("\x00" in argument for argument in command.arguments):
        raise ValueError("an argument holds a null character")
    begun = time.monotonic()
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    kept = Clipped()

    def take(text: str) -> None:
        if text:
            # PostgreSQL keeps no null character, and the page shows what is kept.
            shown = text.replace("\x00", "\ufffd")
            kept.add(shown)
            if on_output is not None:
                on_output(shown)

    with subprocess.Popen(
        _guard(command),
        cwd=command.folder,
        env=passed | dict(command.environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        _pump(process, command, take)
    code = process.returncode
    return Outcome(code if code >= 0 else 128 - code, str(kept), time.monotonic() - begun)


def _guard(command: Command) -> list[str]:
    """Return the words that run a command under its guard."""
    guarded = [sys.executable, "-I", "-S", str(GUARD), "--parent", str(os.getpid())]
    return [*guarded, "--seconds", str(command.seconds), "--", *command.arguments]


def _pump(process: "subprocess.Popen[bytes]", command: Command, take: Callable[[str], None]) -> None:
    """Hand a program its input, and its output on as it comes, scrubbed, until it closes it or is overdue."""
    scrubber = Scrubber(command.secrets)
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    overdue = threading.Timer(command.seconds + GUARD_PATIENCE_SECONDS, process.kill)
    overdue.daemon = True
    overdue.start()
    try:
        threading.Thread(target=_write, args=(cast("IO[bytes]", process.stdin), command), daemon=True).start()
        output = cast("IO[bytes]", process.stdout).fileno()
        while piece := os.read(output, CHUNK_BYTES):
            take(scrubber.feed(decoder.decode(piece)))
    except BaseException:
        process.terminate()
        raise
    finally:
        overdue.cancel()
    take(scrubber.feed(decoder.decode(b"", final=True)))
    take(scrubber.end())


def _write(pipe: "IO[bytes]", command: Command) -> None:
    """Hand the program its input and close it; one that does not read is no fault of ours."""
    try:
        pipe.write(command.stdin.encode())
        pipe.flush()
        if not command.holds_stdin:
            pipe.close()
    except OSError:
        return
