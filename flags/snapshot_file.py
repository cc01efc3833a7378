"""The last good snapshots on disk: a process can start and serve while PostgreSQL is down.

One JSON file, readable by its owner alone, replaced whole. It holds what is served and tokens'
SHA-256, no secret. A file that another version wrote and this one cannot read is passed over.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import msgspec

from core.files import replace_file
from flags.domain.definition import EnvironmentDefinition

log = logging.getLogger(__name__)

FILE_NAME = "snapshots.json"


class SnapshotFile:
    """Reads and writes one portal's snapshots; a failure is logged and never raised."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._is_faulty = False

    def read(self) -> list[EnvironmentDefinition]:
        """Return the definitions last written, none where there is no file that can be read."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=list[EnvironmentDefinition])
        except FileNotFoundError:
            return []
        except (OSError, msgspec.MsgspecError) as fault:
            log.warning("snapshots on disk not read, waiting for the database: %s", fault)
            return []

    def write(self, definitions: Sequence[EnvironmentDefinition]) -> bool:
        """Replace the file; True where it was written. Says so once while it cannot be."""
        try:
            self._replace(msgspec.json.encode(list(definitions)))
        except OSError as fault:
            if not self._is_faulty:
                log.warning("snapshots not kept on disk, a start without the database would serve none: %s", fault)
            self._is_faulty = True
            return False
        self._is_faulty = False
        return True

    def _replace(self, content: bytes) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(self._path, content)
