"""How the portal's own commands are called on this machine: what is printed runs as it is printed."""

import shlex
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]


def manage(words: str = "") -> str:
    """Return a command of manage.py as a shell in the portal's folder takes it: `.venv/bin/python manage.py …`."""
    python = Path(sys.executable)
    shown = python.relative_to(HOME) if python.is_relative_to(HOME) else python
    return f"{shlex.quote(str(shown))} manage.py {words}".rstrip()
