"""Writes what `releaseportal.addresses` reads: secret key, ports and passwords of a data directory."""

import json
import os
import secrets
import socket
from pathlib import Path

from releaseportal.addresses import KEYS_FILE, read_keys
from releaseportal.embedded.faults import EmbeddedError


def prepare_data_dir(data_dir: Path) -> None:
    """Make the data directory and try that it can be written."""
    try:
        # Others may pass through (PostgreSQL's account must), but not list.
        data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
        probe = data_dir / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as fault:
        raise EmbeddedError(
            f"Cannot write to DATA_DIR {data_dir} ({fault.strerror}): set DATA_DIR to a folder you own."
        ) from None


def write_private_json(path: Path, content: object) -> None:
    """Replace a JSON file at once, readable by its owner only."""
    write_private_text(path, json.dumps(content, indent=2) + "\n")


def write_private_text(path: Path, content: str) -> None:
    """Replace a file at once, readable by its owner only."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def remember(data_dir: Path, **new: str) -> dict[str, str]:
    """Return the keys after adding some; a secret key is made with the first."""
    before = read_keys(data_dir)
    after = {"secret_key": secrets.token_urlsafe(48)} | before | new
    if after != before:
        write_private_json(data_dir / KEYS_FILE, after)
    return after


def is_free(port: int) -> bool:
    """Return whether nobody listens on a loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose_port(remembered: str | None) -> int:
    """Return the remembered port while it is free, else a free one."""
    if remembered and is_free(int(remembered)):
        return int(remembered)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
