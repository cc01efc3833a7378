"""The page's files on disk: a web process starts and serves them while PostgreSQL is down."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from core.files import replace_file
from statuspage.bodies import Bodies

log = logging.getLogger(__name__)

FILE_NAME = "page.msgpack"


class PageFile:
    """Reads and writes the files of one portal's page; a failure is logged and never raised.

    Its own time is when the database last confirmed it.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._is_faulty = False

    def read(self) -> tuple[Bodies, datetime] | None:
        """Return the files last written and when they were last confirmed, None where none can be read."""
        try:
            found = msgspec.msgpack.decode(self._path.read_bytes(), type=dict[str, bytes])
            return found, datetime.fromtimestamp(self._path.stat().st_mtime, tz=UTC)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as fault:
            log.warning("status page on disk not read, waiting for the database: %s", fault)
            return None

    def write(self, bodies: Bodies) -> None:
        """Replace the file. Says so once while it cannot be."""
        self._try(lambda: self._replace(msgspec.msgpack.encode(dict(bodies))))

    def _replace(self, content: bytes) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(self._path, content)

    def confirm(self) -> None:
        """Note that what lies there is what the database says."""
        self._try(self._path.touch)

    def _try(self, write: Callable[[], object]) -> None:
        try:
            write()
        except OSError as fault:
            if not self._is_faulty:
                log.warning("status page not kept on disk, a start without the database would serve none: %s", fault)
            self._is_faulty = True
        else:
            self._is_faulty = False
