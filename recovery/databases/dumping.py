"""A dump with its manifest, both of one snapshot: the application goes on writing meanwhile."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from recovery.commands.running import Outcome
from recovery.commands.tools import run_tool
from recovery.databases.figures import read_sequences, take_figures
from recovery.databases.sessions import LOCK_SECONDS, Session, describe_lock, open_session
from recovery.domain.addresses import Address
from recovery.domain.manifest import Manifest
from recovery.errors import Failure

#: What `SHOW server_version_num` is divided by for the major version.
MAJOR = 10_000
#: What the server says where somebody waited too long for a lock.
_WAITED = ("statement timeout", "lock timeout")


def measure_database(address: Address) -> int:
    """Return a database's size on its server's disk, in bytes."""
    with open_session(address) as session:
        found = session.execute("SELECT pg_database_size(current_database())").fetchone()
    return int(found[0]) if found else 0


def check_versions(address: Address) -> int:
    """Return the server's major version; refuse where our pg_dump is older: it would not read that server."""
    with open_session(address) as session:
        server = session.info.server_version // MAJOR
    # pg_dump (PostgreSQL) 18.6
    said = run_tool("pg_dump", "--version", seconds=20).last_line.split()
    own = next((int(word.split(".")[0]) for word in said if word[:1].isdigit()), 0)
    if own < server:
        raise Failure("tool_too_old", tool=own, server=server)
    return server


def dump(
    address: Address, *, into: Path, seconds: float, on_output: Callable[[str], None] | None = None
) -> tuple[Manifest, float]:
    """Write a dump in PostgreSQL's custom format, whole or not at all; return (manifest of its snapshot, seconds).

    The seconds are pg_dump's own; what is counted for later verification comes after it, in the same snapshot.

    The file appears under its name only once the program has ended well and the disk has it.
    """
    draft = into.with_name(f"{into.name}.part")
    draft.unlink(missing_ok=True)
    try:
        with open_session(address, autocommit=False) as session:
            snapshot = _share_snapshot(session)
            # Before the dump: they are of no snapshot, and must not be ahead of what the dump has.
            sequences = read_sequences(session)
            words = (f"--snapshot={snapshot}", f"--file={draft}")
            outcome = _run_dump(address, words=words, seconds=seconds, on_output=on_output)
            # Not beside the dump: the shop sells on meanwhile, and one of its server's cores is enough.
            manifest = replace(take_figures(session), sequences=sequences)
        _sync(draft)
        draft.rename(into)
        _sync(into.parent)
    finally:
        draft.unlink(missing_ok=True)
    return manifest, outcome.seconds


def _run_dump(
    address: Address, *, words: Sequence[str], seconds: float, on_output: Callable[[str], None] | None
) -> Outcome:
    """Run pg_dump; what another session holds it waits for no longer than we do."""
    own = ("--format=custom", "--verbose", "--no-password", f"--lock-wait-timeout={LOCK_SECONDS}s")
    try:
        return run_tool("pg_dump", *own, *words, seconds=seconds, address=address, on_output=on_output)
    except Failure as failure:
        # pg_dump sets no limit to a statement but to that which waits for a table.
        if failure.code == "tool_failed" and any(limit in failure.output for limit in _WAITED):
            raise describe_lock(address, output=failure.output) from None
        raise


def decode(file: Path, *, seconds: float) -> None:
    """Read a dump to its last byte, as a restore would; raises Failure `dump_broken` where it cannot be.

    Its table of contents alone is no proof: that stands at the beginning, and a truncated file has it.
    """
    try:
        run_tool("pg_restore", "--file=/dev/null", str(file), seconds=seconds)
    except Failure as failure:
        if failure.code != "tool_failed":
            raise
        raise Failure("dump_broken", output=failure.output) from None


def _share_snapshot(session: Session) -> str:
    session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    found = session.execute("SELECT pg_export_snapshot()").fetchone()
    return str(found[0]) if found else ""


def _sync(path: Path) -> None:
    """Have the disk keep a file, or a folder's list of names."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
