"""Whether a restored database is what the restore point says, and sound: judged before anybody uses it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from recovery.commands.tools import run_tool
from recovery.databases.figures import list_unlogged, take_figures
from recovery.databases.sessions import Session, open_session
from recovery.domain.addresses import Address
from recovery.domain.manifest import Difference, Manifest, compare
from recovery.errors import Failure

#: Rows of a failed check that are shown: enough to see what is wrong.
SHOWN_ROWS = 5
CHECK_SECONDS = 120
_FOREIGN_KEYS = (
    "SELECT c.conname, c.conrelid::regclass::text, c.confrelid::regclass::text,"
    " array_agg(a.attname ORDER BY k.place), array_agg(b.attname ORDER BY k.place)"
    " FROM pg_constraint AS c"
    " CROSS JOIN LATERAL unnest(c.conkey, c.confkey) WITH ORDINALITY AS k (ours, theirs, place)"
    " JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = k.ours"
    " JOIN pg_attribute AS b ON b.attrelid = c.confrelid AND b.attnum = k.theirs"
    " WHERE c.contype = 'f' GROUP BY 1, 2, 3 ORDER BY 2, 1"
)


@dataclass(frozen=True)
class CheckResult:
    """One of the shop's own checks. `rows`: what it found, shortened; none where all is well."""

    name: str
    count: int
    rows: tuple[str, ...] = ()
    error: str = ""

    @property
    def is_passed(self) -> bool:
        return not self.count and not self.error


@dataclass(frozen=True)
class Validation:
    """`orphans`: foreign keys with rows that point nowhere; `amcheck`: passed, failed, or why it was not done."""

    differences: list[Difference] = field(default_factory=list)
    orphans: dict[str, int] = field(default_factory=dict)
    checks: list[CheckResult] = field(default_factory=list)
    amcheck: str = ""

    @property
    def is_passed(self) -> bool:
        return (
            not self.differences
            and not self.orphans
            and all(check.is_passed for check in self.checks)
            and self.amcheck != "failed"
        )


def validate(
    restored: Address, *, manifest: Manifest, checks: Path | None, seconds: float, say: Callable[[str], None]
) -> Validation:
    """Return how a restored database stands beside the manifest of its restore point."""
    results = run_checks(restored, list_checks(checks), say=say) if checks else []
    with open_session(restored) as session:
        # After the shop's own checks: what goes live is what is counted here.
        say("figures\n")
        differences = _compare_figures(session, manifest)
        say("foreign keys\n")
        orphans = count_orphans(session)
    say("structure of tables and indexes\n")
    return Validation(differences, orphans, results, run_amcheck(restored, seconds=seconds))


def _compare_figures(session: Session, manifest: Manifest) -> list[Difference]:
    found = compare(manifest, take_figures(session))
    # Manifests of former versions do not name unlogged tables, which their dumps have.
    unlogged = list_unlogged(session)
    return [one for one in found if one.kind != "table_added" or one.what not in unlogged]


def count_orphans(session: Session) -> dict[str, int]:
    """Return, by foreign key, how many rows point to nothing: PostgreSQL's own check can have been left out."""
    found: dict[str, int] = {}
    for name, table, other, columns, others in session.execute(_FOREIGN_KEYS).fetchall():
        query = sql.SQL("SELECT count(*) FROM {} AS t WHERE {} AND NOT EXISTS (SELECT FROM {} AS o WHERE {})").format(
            # A regclass's text is quoted where it must be.
            sql.SQL(table),
            sql.SQL(" AND ").join(sql.SQL("{} IS NOT NULL").format(sql.Identifier("t", one)) for one in columns),
            sql.SQL(other),
            sql.SQL(" AND ").join(
                sql.SQL("{} = {}").format(sql.Identifier("o", theirs), sql.Identifier("t", ours))
                for ours, theirs in zip(columns, others, strict=True)
            ),
        )
        count = session.execute(query).fetchone()
        if count and count[0]:
            found[f"{table}.{name}"] = int(count[0])
    return found


def list_checks(folder: Path) -> list[Path]:
    """Return the shop's own checks: SQL files that give a row for whatever is wrong."""
    return sorted(folder.glob("*.sql"))


def run_checks(restored: Address, files: Sequence[Path], *, say: Callable[[str], None]) -> list[CheckResult]:
    """Run each check, one statement alone, in a transaction that only reads and is given up, within a time."""
    results = []
    for file in files:
        say(f"check {file.stem}\n")
        results.append(_run_check(restored, file))
    return results


def _run_check(restored: Address, file: Path) -> CheckResult:
    try:
        text = file.read_text(encoding="utf-8")
        with open_session(restored, autocommit=False) as session:
            session.execute("SET TRANSACTION READ ONLY")
            session.execute(sql.SQL("SET LOCAL statement_timeout = {}").format(sql.Literal(CHECK_SECONDS * 1000)))
            session.execute("SET LOCAL search_path = public, pg_catalog")
            # A transaction that has asked something cannot be made writable any more, whatever a function there says.
            session.execute("SELECT 1")
            cursor = session.cursor()
            try:
                # The shop's own file, from a folder that an admin chose. Prepared: the server takes one statement, and
                # none after it that could end this transaction.
                cursor.execute(text.encode(), prepare=True)
            except psycopg.Error as fault:
                return CheckResult(file.stem, 0, error=" ".join(str(fault).split()))
            if cursor.description is None:
                return CheckResult(file.stem, 0, error=f"{cursor.statusmessage}: not a query that gives rows")
            rows = cursor.fetchall()
            session.rollback()
    except (OSError, UnicodeError) as fault:
        return CheckResult(file.stem, 0, error=str(fault))
    return CheckResult(file.stem, len(rows), tuple(str(row)[:300] for row in rows[:SHOWN_ROWS]))


def run_amcheck(restored: Address, *, seconds: float) -> str:
    """Have PostgreSQL compare every index with its table: "passed", "failed", or "not_installed"."""
    with open_session(restored) as session:
        there = session.execute("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'amcheck')").fetchone()
    if not there or not there[0]:
        return "not_installed"
    try:
        run_tool(
            "pg_amcheck",
            "--heapallindexed",
            "--no-password",
            f"--database={restored.name}",
            seconds=seconds,
            address=restored,
        )
    except Failure as failure:
        if failure.code != "tool_failed":
            raise
        return "failed"
    return "passed"
