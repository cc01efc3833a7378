"""One holder of a data directory's servers at a time: `up`, or one command for its own duration."""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from releaseportal.embedded.faults import EmbeddedError

LOCK_FILE = "servers.lock"
UP = "up"


@dataclass(frozen=True)
class Holder:
    pid: int
    what: str


def find_holder(data_dir: Path) -> Holder | None:
    """Return who runs the servers of a data directory at this moment."""
    try:
        descriptor = os.open(data_dir / LOCK_FILE, os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return _read_holder(data_dir)
    finally:
        os.close(descriptor)
    return None


@contextlib.contextmanager
def hold_servers(data_dir: Path, *, what: str, patience_seconds: float) -> Iterator[None]:
    """Hold the data directory's servers; a killed holder's lock is free at once.

    A command ends soon and is waited for; `up` is not.
    """
    path = data_dir / LOCK_FILE
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(descriptor, data_dir=data_dir, patience_seconds=patience_seconds)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "what": what}).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, *, data_dir: Path, patience_seconds: float) -> None:
    limit = time.monotonic() + patience_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = _read_holder(data_dir)
            if holder.what == UP or time.monotonic() > limit:
                raise EmbeddedError(
                    f"`{holder.what}` (process {holder.pid}) already runs on DATA_DIR {data_dir}: "
                    "stop it first, or set another DATA_DIR."
                ) from None
            time.sleep(0.2)
        else:
            return


def _read_holder(data_dir: Path) -> Holder:
    try:
        found = json.loads((data_dir / LOCK_FILE).read_text())
        return Holder(int(found["pid"]), str(found["what"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Holder(0, "another command")
