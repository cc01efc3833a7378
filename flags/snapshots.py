"""The compiled flags every web process holds: evaluation touches no database and no lock.

`SnapshotKeeper` runs one thread that hears of raised revisions, asks for them each second in case
it did not hear, and swaps in what changed; readers see either the old or the new snapshot, whole.
Before the database has answered it serves what the last process left on disk.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import msgspec
from django.db import DatabaseError, InterfaceError, connection

from flags.answers import Answers
from flags.domain.definition import EnvironmentDefinition, TokenDefinition
from flags.domain.evaluation import Evaluator, compile_flag
from flags.domain.tokens import TokenIdentity
from flags.listening import REVISIONS, Listener
from flags.overrides import with_overrides, without_overrides
from flags.queries import get_revisions, load_environment
from flags.snapshot_file import SnapshotFile

log = logging.getLogger(__name__)

#: The poll behind the notification; also the longest that stopping waits.
POLL_SECONDS = 1.0
FRESH_SECONDS = 15.0

Subscriber = Callable[[], object]


@dataclass(frozen=True)
class Snapshot:
    """One environment, compiled. `etag` names its whole definition; it begins with the revision."""

    definition: EnvironmentDefinition
    evaluators: Mapping[str, Evaluator]
    etag: str
    answers: Answers = field(compare=False)


def compile_snapshot(definition: EnvironmentDefinition) -> Snapshot:
    """Return the environment with each flag's rules compiled."""
    digest = hashlib.sha256(msgspec.json.encode(definition, order="sorted")).hexdigest()[:16]
    evaluators = {key: compile_flag(flag) for key, flag in definition.flags.items()}
    return Snapshot(definition, evaluators, f"{definition.revision}-{digest}", Answers(definition))


@dataclass(frozen=True)
class Portfolio:
    """All environments' snapshots and all valid tokens, by hash and by id."""

    snapshots: Mapping[int, Snapshot]
    tokens: Mapping[str, TokenIdentity]
    tokens_by_id: Mapping[int, TokenIdentity]


def _assemble(snapshots: Mapping[int, Snapshot]) -> Portfolio:
    identities = [
        _identify(snapshot.definition, token) for snapshot in snapshots.values() for token in snapshot.definition.tokens
    ]
    return Portfolio(
        dict(snapshots),
        {identity.token_hash: identity for identity in identities},
        {identity.token_id: identity for identity in identities},
    )


def _identify(definition: EnvironmentDefinition, token: TokenDefinition) -> TokenIdentity:
    return TokenIdentity(token.token_id, definition.environment_id, definition.key, token.purpose, token.token_hash)


class SnapshotKeeper:
    """Holds the portfolio of this process and keeps it fresh."""

    def __init__(self) -> None:
        self._portfolio: Portfolio | None = None
        self._refreshing = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._file: SnapshotFile | None = None
        self._subscribers: list[Subscriber] = []
        self._refreshed_at: float | None = None

    @property
    def portfolio(self) -> Portfolio | None:
        """The newest portfolio; None until the first has been read."""
        return self._portfolio

    @property
    def is_fresh(self) -> bool:
        """Whether the database confirmed the portfolio within the last seconds."""
        return self._refreshed_at is not None and time.monotonic() - self._refreshed_at < FRESH_SECONDS

    def subscribe(self, subscriber: Subscriber) -> None:
        """Call this after every change, in the thread that noticed it."""
        self._subscribers.append(subscriber)

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Call it no more."""
        self._subscribers.remove(subscriber)

    def refresh(self) -> bool:
        """Read what changed; True where anything did. Raises DatabaseError with the database down."""
        with self._refreshing:
            known = dict(self._portfolio.snapshots) if self._portfolio else {}
            fresh = {
                environment_id: known[environment_id]
                if environment_id in known and known[environment_id].definition.revision >= revision
                else compile_snapshot(load_environment(environment_id))
                for environment_id, revision in get_revisions().items()
            }
            self._refreshed_at = time.monotonic()
            if self._portfolio is not None and fresh == known:
                return False
            self._adopt(fresh)
        if self._file is not None:
            self._file.write([without_overrides(snapshot.definition) for snapshot in fresh.values()])
        return True

    def serve(self, definitions: Iterable[EnvironmentDefinition]) -> None:
        """Serve these until the database says otherwise; none of them is taken for the newest."""
        found = {one.environment_id: compile_snapshot(with_overrides(one)) for one in definitions}
        if found and self._portfolio is None:
            self._adopt(found)

    def _adopt(self, snapshots: Mapping[int, Snapshot]) -> None:
        self._portfolio = _assemble(snapshots)
        for subscriber in list(self._subscribers):
            subscriber()

    def start(self, file: SnapshotFile | None = None) -> None:
        """Serve what lies on disk, then start the thread; it survives a database that is down or goes away."""
        self._file = file
        if file is not None:
            self._serve_from(file)
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="snapshot-keeper", daemon=True)
        self._thread.start()

    def _serve_from(self, file: SnapshotFile) -> None:
        try:
            self.serve(file.read())
        except Exception:
            # Whatever lies there, no portal fails to start for it: the database has the truth.
            log.exception("snapshots on disk not served, waiting for the database")

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
        self._file = None

    def clear(self) -> None:
        """Forget everything (a test begins anew)."""
        self._portfolio = None

    def _run(self) -> None:
        listener = Listener(REVISIONS)
        while not self._stop.is_set():
            try:
                self.refresh()
            except (DatabaseError, InterfaceError) as error:
                log.warning("snapshot not refreshed, serving the last good one: %s", error)
                connection.close()
            except Exception:
                log.exception("snapshot not refreshed, serving the last good one")
                connection.close()
            listener.wait(seconds=POLL_SECONDS, pause=self._stop.wait)
        listener.close()
        connection.close()


KEEPER = SnapshotKeeper()
