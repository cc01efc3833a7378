"""A client's hint that it heard of something newer than this process holds (contracts §3).

Another process's stream may be ahead of this one's snapshot by a moment: then the database is asked
before the answer. One question serves all who wait; a hint that names what does not exist costs
one question a second at most.
"""

import logging
import re
import threading
import time
from datetime import datetime

from anyio import to_thread
from django.db import DatabaseError, InterfaceError, connection
from starlette.requests import Request

from flags.snapshots import KEEPER, Snapshot

log = logging.getLogger(__name__)

#: Between two questions that hints may cause.
PAUSE_SECONDS = 1.0

_REVISION = re.compile(r'(?:W/)?"?([0-9]{1,18})-')
_asking = threading.Lock()
_answered_at = -PAUSE_SECONDS


async def catch_up(request: Request, snapshot: Snapshot) -> Snapshot:
    """Return the snapshot, renewed where the request's hints are newer than it."""
    query = request.query_params
    if not query or not _is_ahead(snapshot, query.get("flagConfigEtag", ""), query.get("flagConfigLastModified", "")):
        return snapshot
    await to_thread.run_sync(_ask, snapshot)
    portfolio = KEEPER.portfolio
    return portfolio.snapshots.get(snapshot.definition.environment_id, snapshot) if portfolio else snapshot


def _is_ahead(snapshot: Snapshot, etag: str, last_modified: str) -> bool:
    revision = _REVISION.match(etag)
    if revision and int(revision[1]) > snapshot.definition.revision:
        return True
    moment = _read_moment(last_modified)
    return moment is not None and moment > int(snapshot.definition.changed_at.timestamp())


def _read_moment(text: str) -> int | None:
    """Return seconds since the epoch of a number or an ISO 8601 text, None where it is neither."""
    if text.isascii() and text.isdigit() and len(text) < 18:
        return int(text)
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except (ValueError, OverflowError):
        return None


def _ask(seen: Snapshot) -> None:
    """Read the revisions, unless somebody just did; with the database down the last good one serves."""
    global _answered_at  # noqa: PLW0603 - one for the process, under its lock
    with _asking:
        portfolio = KEEPER.portfolio
        newest = portfolio.snapshots.get(seen.definition.environment_id) if portfolio else None
        if newest is not seen or time.monotonic() - _answered_at < PAUSE_SECONDS:
            return
        try:
            KEEPER.refresh()
        except (DatabaseError, InterfaceError) as error:
            log.warning("not looked for newer flags: %s", error)
        finally:
            # One of many threads, once in a while: not worth a session of the database.
            connection.close()
            _answered_at = time.monotonic()
