"""A real SSH server on loopback with throw-away keys."""

import getpass
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.recovery.engine import FOLDERS, find_port

SSHD = Path("/usr/sbin/sshd")


@dataclass
class SshServer:
    """A running server. `known_hosts` and `key` are what a client needs for it."""

    folder: Path
    port: int

    @property
    def address(self) -> str:
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def key(self) -> Path:
        return self.folder / "client"

    def know(self, key: Path) -> None:
        """Have the client know the server by a key."""
        public = key.with_suffix(".pub").read_text().split()
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {public[0]} {public[1]}\n")


def make_key(path: Path) -> Path:
    """Make a key pair; return the private one's path."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


@contextmanager
def start_ssh(folder: Path, *, environment: dict[str, str]) -> Iterator[SshServer]:
    """Start a server whose sessions get some variables, and stop it by its process id."""
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    server = SshServer(folder, find_port())
    host, client = make_key(folder / "host"), make_key(folder / "client")
    (folder / "authorized").write_text(client.with_suffix(".pub").read_text())
    variables = " ".join(f'"{name}={value}"' for name, value in environment.items())
    config = folder / "sshd_config"
    lines = [
        f"Port {server.port}",
        "ListenAddress 127.0.0.1",
        f"HostKey {host}",
        f"AuthorizedKeysFile {folder}/authorized",
        f"PidFile {folder}/pid",
        "StrictModes no",
        "UsePAM no",
        "PasswordAuthentication no",
        "PermitRootLogin prohibit-password",
        f"SetEnv {variables}",
    ]
    config.write_text("\n".join(lines) + "\n")
    server.know(host)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([str(SSHD), "-D", "-e", "-f", str(config)], stdout=log, stderr=log)
        try:
            limit = time.monotonic() + 20
            while b"Server listening" not in (folder / "log").read_bytes():
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < limit, (folder / "log").read_text()
                time.sleep(0.05)
            yield server
        finally:
            process.terminate()
            process.wait(20)


def path_for_sessions() -> str:
    """Return the PATH that sessions get: the engine's own client first."""
    return f"{FOLDERS}:{os.environ['PATH']}"
