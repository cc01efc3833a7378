"""Files that are replaced whole: whoever reads one sees the old or the new, never a part."""

import os
import tempfile
from pathlib import Path

#: Readable by its owner alone.
PRIVATE = 0o600


def replace_file(path: Path, content: bytes, *, mode: int = PRIVATE) -> None:
    """Replace a file, on disk when this returns; its folder is there. Raises OSError and leaves nothing behind."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
