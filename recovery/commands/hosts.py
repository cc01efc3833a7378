"""Machines on which compose projects live: this one, or another over SSH."""

import errno
import os
import shlex
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from django.conf import settings

from recovery.commands.running import Command, Outcome, run
from recovery.domain.names import split_host
from recovery.errors import Failure

Say = Callable[[str], None]
FILE_SECONDS = 30.0
CONNECT_SECONDS = 10
#: ssh's own exit code for what is its own fault, not the program's.
SSH_FAILED = 255
#: Takes variables from its input, where nobody on that machine can read them, and runs the program in a group of its
#: own. Its input stays open as long as somebody here waits: when that ends, so does the program with its children.
_BOUND = (
    'n="$1"; shift; set -a; eval "$(head -c "$n")"; set +a; exec 3<&0; setsid "$@" </dev/null & p=$!; '
    '(cat <&3; kill -TERM -"$p"; sleep 5; kill -KILL -"$p") >/dev/null 2>&1 & w=$!; '
    'wait "$p"; c=$?; kill "$w" 2>/dev/null; exit "$c"'
)
_IN_FOLDER = 'cd "$1" || exit 125; shift; exec "$@"'
#: What programs say of a file that is not there.
_MISSING = os.strerror(errno.ENOENT)
_WRITE = 'umask 077; cat > "$1.part" && mv -f "$1.part" "$1"'


class Host(Protocol):
    """Where programs run and files lie."""

    def run(
        self,
        arguments: Sequence[str],
        *,
        seconds: float,
        environment: Mapping[str, str] | None = None,
        secrets: Sequence[str] = (),
        folder: str = "",
        on_output: Say | None = None,
    ) -> Outcome:
        """Run a program to its end there; its exit code is in the outcome, a host out of reach is a Failure."""

    def read_text(self, path: str) -> str | None:
        """Return a file's text, None where there is no such file."""

    def write_text(self, path: str, text: str) -> None:
        """Write a file whole or not at all, for nobody else's eyes."""


@dataclass(frozen=True)
class LocalHost:
    """This machine."""

    def run(
        self,
        arguments: Sequence[str],
        *,
        seconds: float,
        environment: Mapping[str, str] | None = None,
        secrets: Sequence[str] = (),
        folder: str = "",
        on_output: Say | None = None,
    ) -> Outcome:
        if folder and not Path(folder).is_dir():
            raise Failure("folder_missing", folder=folder)
        command = Command(
            tuple(arguments),
            seconds=seconds,
            environment=environment or {},
            secrets=tuple(secrets),
            folder=Path(folder) if folder else None,
        )
        return run(command, on_output=on_output)

    def read_text(self, path: str) -> str | None:
        try:
            return Path(path).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except OSError as fault:
            raise Failure("file_failed", file=path, output=str(fault.strerror)) from None

    def write_text(self, path: str, text: str) -> None:
        try:
            handle, draft = tempfile.mkstemp(dir=Path(path).parent, prefix=f"{Path(path).name}.")
            with os.fdopen(handle, "w", encoding="utf-8") as target:
                target.write(text)
                target.flush()
                os.fsync(target.fileno())
            Path(draft).rename(path)
        except OSError as fault:
            raise Failure("file_failed", file=path, output=str(fault.strerror)) from None


@dataclass(frozen=True)
class SshHost:
    """Another machine, as ssh's own configuration knows it; a key that changed is never taken."""

    address: str

    def run(
        self,
        arguments: Sequence[str],
        *,
        seconds: float,
        environment: Mapping[str, str] | None = None,
        secrets: Sequence[str] = (),
        folder: str = "",
        on_output: Say | None = None,
    ) -> Outcome:
        words = list(arguments)
        if folder:
            words = ["sh", "-c", _IN_FOLDER, "sh", folder, *words]
        variables = "".join(f"{name}={shlex.quote(value)}\n" for name, value in (environment or {}).items())
        words = ["sh", "-c", _BOUND, "sh", str(len(variables.encode())), *words]
        return self._run(words, seconds=seconds, text=variables, is_held=True, secrets=secrets, on_output=on_output)

    def read_text(self, path: str) -> str | None:
        # In the language whose words are known: only a file that is not there may be taken for none.
        outcome = self._run(["env", "LC_ALL=C", "cat", "--", path], seconds=FILE_SECONDS)
        if outcome.is_ok:
            return outcome.output
        reason = outcome.last_line.rpartition(": ")[2]
        if reason == _MISSING:
            return None
        raise Failure("file_failed", file=path, output=reason)

    def write_text(self, path: str, text: str) -> None:
        outcome = self._run(["sh", "-c", _WRITE, "sh", path], seconds=FILE_SECONDS, text=text)
        if not outcome.is_ok:
            raise Failure("file_failed", file=path, output=outcome.last_line)

    def _run(
        self,
        words: Sequence[str],
        *,
        seconds: float,
        text: str = "",
        is_held: bool = False,
        secrets: Sequence[str] = (),
        on_output: Say | None = None,
    ) -> Outcome:
        command = Command(
            (*self._ssh(), shlex.join(words)), seconds=seconds, stdin=text, holds_stdin=is_held, secrets=tuple(secrets)
        )
        outcome = run(command, on_output=on_output)
        if outcome.code == SSH_FAILED:
            raise explain(self.address, outcome)
        return outcome

    def _ssh(self) -> list[str]:
        user, name, port = split_host(self.address)
        options = {
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
            "ConnectTimeout": str(CONNECT_SECONDS),
            "ServerAliveInterval": "5",
            "ServerAliveCountMax": "3",
            "ForwardAgent": "no",
            "ForwardX11": "no",
            "ClearAllForwardings": "yes",
            "RequestTTY": "no",
            "LogLevel": "ERROR",
        }
        if settings.RECOVERY_SSH_KNOWN_HOSTS:
            options["UserKnownHostsFile"] = settings.RECOVERY_SSH_KNOWN_HOSTS
        if settings.RECOVERY_SSH_KEY:
            options |= {"IdentityFile": settings.RECOVERY_SSH_KEY, "IdentitiesOnly": "yes"}
        flags = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
        return ["ssh", *flags, "-p", str(port), *(["-l", user] if user else []), "--", name]


def open_host(address: str) -> Host:
    """Return the machine that a target names: empty for this one, else `ssh://user@host:port`."""
    return SshHost(address) if address else LocalHost()


def explain(address: str, outcome: Outcome) -> Failure:
    """Return what ssh's own fault means; what it is mended by differs much."""
    said = outcome.output.strip()
    host = address.removeprefix("ssh://")
    if "REMOTE HOST IDENTIFICATION HAS CHANGED" in said:
        return Failure("host_key_changed", host=host, output=outcome.last_line)
    if "Host key verification failed" in said:
        return Failure("host_key_unknown", host=host, output=outcome.last_line)
    if "Permission denied" in said:
        return Failure("host_refused", host=host, output=outcome.last_line)
    return Failure("host_unreachable", host=host, output=outcome.last_line, is_passing=True)
