"""Keeps the page of a web process as the database says, and serves the last good one while it says nothing."""

import logging
import threading
import time
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from core import clock
from statuspage.bodies import Bodies, digest_facts, write_bodies
from statuspage.page import FOLDERS, LANGUAGES
from statuspage.page_file import PageFile
from statuspage.queries import read_facts
from statuspage.shelf import Shelf, fill_shelf

log = logging.getLogger(__name__)

#: What was said is seen so soon, well within what caches keep.
POLL_SECONDS = 2.0
#: Unconfirmed for longer, the page says so itself.
STALE_SECONDS = 60.0
CONFIRM_SECONDS = 30.0
#: In every page, where the note stands that it may be old.
MARK = b"<!-- note -->"


class PageKeeper:
    """Holds the shelf of this process; one thread refreshes it."""

    def __init__(self) -> None:
        self.shelf: Shelf = {}
        self._bodies: Bodies = {}
        self._digest = ""
        self._checked_at: datetime | None = None
        self._checked = time.monotonic()
        self._confirmed = 0.0
        self._is_stale = False
        self._file: PageFile | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_stale(self) -> bool:
        """Whether what is served says of itself that it may be old."""
        return self._is_stale

    def refresh(self, *, now: datetime) -> bool:
        """Read what the page says and write it anew where that changed; True where it did.

        Raises DatabaseError with the database down.
        """
        facts = read_facts(now=now)
        digest = digest_facts(facts)
        self._checked_at, self._checked = now, time.monotonic()
        if digest == self._digest and not self._is_stale:
            self._confirm()
            return False
        if digest != self._digest:
            self._bodies, self._digest = write_bodies(facts), digest
            if self._file is not None:
                self._file.write(self._bodies)
        self._is_stale = False
        self.shelf = fill_shelf(self._bodies)
        return True

    def _confirm(self) -> None:
        if self._file is not None and time.monotonic() - self._confirmed > CONFIRM_SECONDS:
            self._confirmed = time.monotonic()
            self._file.confirm()

    def note_silence(self) -> None:
        """Let every page say that it may be old, once the database has been silent for long."""
        if self._is_stale or not self._bodies or time.monotonic() - self._checked < STALE_SECONDS:
            return
        self._is_stale = True
        self.shelf = fill_shelf(_add_notes(self._bodies, since=self._checked_at))

    def serve(self, bodies: Bodies, *, checked_at: datetime) -> None:
        """Serve files from before until the database has answered; the silence since then counts."""
        if not self._bodies:
            age = max(0.0, (clock.now() - checked_at).total_seconds())
            self._bodies, self._checked_at, self._checked = bodies, checked_at, time.monotonic() - age
            self.shelf = fill_shelf(bodies)

    def start(self, file: PageFile | None = None) -> None:
        """Serve what lies on disk, then start the thread; it survives a database that is down or goes away."""
        self._file = file
        found = file.read() if file is not None else None
        if found is not None:
            self.serve(found[0], checked_at=found[1])
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="status-page-keeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
        self._file = None

    def clear(self) -> None:
        """Forget everything (a test begins anew)."""
        self.shelf, self._bodies, self._digest, self._is_stale = {}, {}, "", False

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.refresh(now=clock.now())
            except (DatabaseError, InterfaceError) as error:
                log.warning("status page not refreshed, serving the last good one: %s", str(error).splitlines()[0])
                connection.close()
            except Exception:
                # Whatever is wrong with one reading: the page stays up.
                log.exception("status page not refreshed, serving the last good one")
                connection.close()
            self.note_silence()
            self._stop.wait(POLL_SECONDS)
        connection.close()


def _add_notes(bodies: Bodies, *, since: datetime | None) -> Bodies:
    return {
        path: body.replace(MARK, _write_note(path, since)) if MARK in body else body for path, body in bodies.items()
    }


def _write_note(path: str, since: datetime | None) -> bytes:
    language = next(one for one in reversed(LANGUAGES) if path.startswith(FOLDERS[one]))
    with translation.override(language):
        moment = (since or clock.now()).astimezone(ZoneInfo(str(timezone.get_default_timezone())))
        words = _("Last confirmed on %(day)s at %(time)s; what has happened since is not shown.") % {
            "day": f"{moment:%d/%m/%Y}",
            "time": f"{moment:%H:%M}",
        }
    return f'<p class="note" role="status">{words}</p>'.encode()


PAGE = PageKeeper()
