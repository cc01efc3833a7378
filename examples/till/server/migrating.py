"""The shape of the database: numbered steps, each with its way back where it has one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from server.database import Session
from server.versions import HEADS

FOLDER = Path(__file__).parent / "migrations"
#: Before the first one.
ZERO = "zero"
LEDGER = "CREATE TABLE IF NOT EXISTS schema_migrations (number text PRIMARY KEY, run_at timestamptz DEFAULT now())"
#: Two that migrate at once do so one after the other.
LOCK = 7_240_001
LOCK_WAIT = "SET LOCAL lock_timeout = '5s'"
#: It may take its time over many tickets; it may not wait long, for everybody would wait behind it.
NO_LIMIT = "SET LOCAL statement_timeout = 0"


class MigrationRefused(Exception):
    """Nothing was changed; the message says why."""


@dataclass(frozen=True)
class Migration:
    """`back`: how it is undone, None where nothing does."""

    name: str
    forward: Path
    back: Path | None


def list_known(version: str) -> list[Migration]:
    """Return the migrations that a version knows, in their order."""
    found = [path.name.removesuffix(".up.sql") for path in sorted(FOLDER.glob("*.up.sql"))]
    return [_read(name) for name in found if name <= HEADS[version]]


def list_applied(session: Session) -> list[str]:
    """Return the names of those that have run, in their order."""
    there = session.execute("SELECT to_regclass('schema_migrations')").fetchone()
    if there is None or there[0] is None:
        return []
    return [name for (name,) in session.execute("SELECT number FROM schema_migrations ORDER BY 1")]


def find_head(session: Session) -> str:
    """Return the last one that has run, ZERO where none has."""
    return (list_applied(session) or [ZERO])[-1]


def is_enough(head: str, version: str) -> bool:
    """Tell whether a version works with a schema whose last migration is `head`: its own, or a later one."""
    return head != ZERO and head >= HEADS[version]


def migrate(session: Session, version: str, *, to: str = "") -> list[str]:
    """Go forward to the newest that the version knows, or forward or back to just after another; say what was done.

    All of it counts, or nothing does.
    """
    known = list_known(version)
    wanted = to or known[-1].name
    if wanted not in {ZERO, *(one.name for one in known)}:
        raise MigrationRefused(f"{version} knows no migration {wanted}.")
    with session.transaction():
        session.execute(LOCK_WAIT)
        session.execute(NO_LIMIT)
        session.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        session.execute(LEDGER)
        applied = list_applied(session)
        stray = [name for name in applied if name not in {one.name for one in known}]
        if stray:
            raise MigrationRefused(
                f"{version} does not know {stray[-1]}, which has run: use the version that brought it."
            )
        if wanted == ZERO or (wanted in applied and to):
            return _go_back(session, [one for one in known if one.name in applied and _is_behind(wanted, one)])
        return _go_forward(session, [one for one in known if one.name not in applied and one.name <= wanted])


def _is_behind(wanted: str, one: Migration) -> bool:
    return wanted == ZERO or one.name > wanted


def _go_forward(session: Session, steps: Sequence[Migration]) -> list[str]:
    for one in steps:
        _run(session, one.forward)
        session.execute("INSERT INTO schema_migrations (number) VALUES (%s)", [one.name])
    return [f"+ {one.name}" for one in steps]


def _go_back(session: Session, steps: Sequence[Migration]) -> list[str]:
    never = next((one for one in reversed(steps) if one.back is None), None)
    if never is not None:
        raise MigrationRefused(f"{never.name} cannot be undone: only a backup brings back what was before.")
    for one in reversed(steps):
        if one.back is not None:
            _run(session, one.back)
        session.execute("DELETE FROM schema_migrations WHERE number = %s", [one.name])
    return [f"- {one.name}" for one in reversed(steps)]


def _run(session: Session, file: Path) -> None:
    session.execute(file.read_text(encoding="utf-8"))


def _read(name: str) -> Migration:
    back = FOLDER / f"{name}.down.sql"
    return Migration(name, FOLDER / f"{name}.up.sql", back if back.exists() else None)
