"""The compiled flags every web process holds: evaluation touches no database and no lock.

`SnapshotKeeper` runs one thread that asks for the revisions each second and swaps in what changed;
readers see either the old or the new snapshot, whole.
"""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import DatabaseError, InterfaceError, connection

from flags.domain.definition import EnvironmentDefinition, TokenDefinition
from flags.domain.evaluation import Evaluator, compile_flag
from flags.queries import get_revisions, load_environment

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0


@dataclass(frozen=True)
class Snapshot:
    """One environment, compiled."""

    definition: EnvironmentDefinition
    evaluators: Mapping[str, Evaluator]


def compile_snapshot(definition: EnvironmentDefinition) -> Snapshot:
    """Return the environment with each flag's rules compiled."""
    return Snapshot(definition, {key: compile_flag(flag) for key, flag in definition.flags.items()})


@dataclass(frozen=True)
class Portfolio:
    """All environments' snapshots and all valid tokens by hash."""

    snapshots: Mapping[int, Snapshot]
    tokens: Mapping[str, tuple[int, TokenDefinition]]


def _assemble(snapshots: Mapping[int, Snapshot]) -> Portfolio:
    tokens = {
        token.token_hash: (environment_id, token)
        for environment_id, snapshot in snapshots.items()
        for token in snapshot.definition.tokens
    }
    return Portfolio(dict(snapshots), tokens)


class SnapshotKeeper:
    """Holds the portfolio of this process and keeps it fresh."""

    def __init__(self) -> None:
        self._portfolio: Portfolio | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def portfolio(self) -> Portfolio | None:
        """The newest portfolio; None until the first has been read."""
        return self._portfolio

    def refresh(self) -> bool:
        """Read what changed; True where anything did. Raises DatabaseError with the database down."""
        known = dict(self._portfolio.snapshots) if self._portfolio else {}
        revisions = get_revisions()
        fresh = {
            environment_id: known[environment_id]
            if environment_id in known and known[environment_id].definition.revision >= revision
            else compile_snapshot(load_environment(environment_id))
            for environment_id, revision in revisions.items()
        }
        if self._portfolio is not None and fresh == known:
            return False
        self._portfolio = _assemble(fresh)
        return True

    def start(self) -> None:
        """Start the thread; it survives a database that is down or goes away."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="snapshot-keeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def clear(self) -> None:
        """Forget everything (a test begins anew)."""
        self._portfolio = None

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.refresh()
            except (DatabaseError, InterfaceError) as error:
                log.warning("snapshot not refreshed, serving the last good one: %s", str(error).splitlines()[0])
                connection.close()
            self._stop.wait(POLL_SECONDS)
        connection.close()


KEEPER = SnapshotKeeper()
