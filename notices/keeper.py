"""What stands for the tills, held by every web process: streams ask it each time they wake, and an outage does not
take a notice down.

One thread hears of every change (LISTEN/NOTIFY) and asks each second in case it did not; what it holds stays
while the database is away.
"""

import logging
import threading
from collections.abc import Callable, Mapping

from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from core import clock
from flags.listening import Listener
from notices.domain.board import BoardNotice
from notices.queries import load_boards

log = logging.getLogger(__name__)

CHANNEL = "notices_changed"
#: The poll behind the notification.
POLL_SECONDS = 1.0

Board = tuple[BoardNotice, ...]


class BoardKeeper:
    """Holds the boards of this process and keeps them fresh."""

    def __init__(self) -> None:
        self._boards: Mapping[int, Board] | None = None
        self._subscribers: list[Callable[[], object]] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def find_board(self, environment_id: int) -> Board | None:
        """Return what stands in an environment, None until the database has said so once."""
        return None if self._boards is None else self._boards.get(environment_id, ())

    def refresh(self) -> bool:
        """Read what stands; True where it changed. Raises DatabaseError with the database down."""
        fresh = load_boards(now=clock.now())
        changed, self._boards = fresh != self._boards, fresh
        if changed:
            for subscriber in list(self._subscribers):
                subscriber()
        return changed

    def start(self, subscriber: Callable[[], object]) -> None:
        """Start the thread; the subscriber is called after each change, in that thread."""
        self._subscribers = [subscriber]
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="notice-keeper", daemon=True)
        self._thread.start()

    def subscribe(self, subscriber: Callable[[], object]) -> None:
        """Call this after every change as well."""
        self._subscribers.append(subscriber)

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=POLL_SECONDS + 2)
        self._subscribers = []

    def clear(self) -> None:
        """Forget everything (a test begins anew)."""
        self._boards = None

    def _run(self) -> None:
        listener = Listener(CHANNEL)
        while not self._stop.is_set():
            close_old_connections()
            try:
                self.refresh()
            except (DatabaseError, InterfaceError) as error:
                log.warning("notices not refreshed, showing the last known ones: %s", error)
                connection.close()
            except Exception:
                log.exception("notices not refreshed, showing the last known ones")
                connection.close()
            listener.wait(seconds=POLL_SECONDS, pause=self._stop.wait)
        listener.close()
        connection.close()


BOARDS = BoardKeeper()
