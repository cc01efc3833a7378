"""A database's schema as pg_dump writes it, and what two of them do not have in common."""

import difflib
from pathlib import Path

from recovery.commands.tools import run_tool
from recovery.domain.addresses import Address

SCHEMA_SECONDS = 300.0
#: Lines of a difference that are kept: it is to be read by people.
MOST_LINES = 400


def read_schema(address: Address, *, file: Path) -> list[str]:
    """Return a schema's statements, line by line. `file`: where it lies for a moment."""
    words = ("--schema-only", "--no-owner", "--no-privileges", "--no-password", f"--file={file}")
    try:
        run_tool("pg_dump", *words, seconds=SCHEMA_SECONDS, address=address)
        lines = file.read_text(encoding="utf-8").splitlines()
    finally:
        file.unlink(missing_ok=True)
    # Comments name the programs' versions; \restrict bears a word that is new each time.
    return [line.rstrip() for line in lines if line.strip() and not line.startswith(("--", "\\"))]


def find_difference(before: list[str], after: list[str]) -> list[str]:
    """Return what differs, as a unified diff with little around it; empty where both are the same."""
    found = difflib.unified_diff(before, after, fromfile="before", tofile="after", n=2, lineterm="")
    return list(found)[:MOST_LINES]
