"""The static copy: the page's files in a directory or a bucket, written on every change."""

import hashlib
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages
from django.db import connection, transaction

from core.files import replace_file
from statuspage.bodies import Bodies, LastBodies, content_type_of
from statuspage.models import CopiedFile, CopyState
from statuspage.queries import read_facts

log = logging.getLogger(__name__)

STORAGE = "status_page"
#: Any number of our own: workers look one after the other whether one writes.
COPY_LOCK = 7_140_221
#: A writer that died is followed by another after this.
LEASE = timedelta(seconds=60)
#: Between two tries while the place cannot be written to, doubled each time.
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=5)
#: A web server under another account reads them.
FILE_MODE, FOLDER_MODE = 0o644, 0o755
#: Of this worker.
_drawn = LastBodies()
FAULTS = (OSError, BotoCoreError, ClientError)


def name_place(storage: Storage) -> str:
    """Return where a storage writes, as people know it: a folder, or a bucket with its prefix."""
    try:
        return storage.path("")
    except NotImplementedError:
        bucket, prefix = getattr(storage, "bucket_name", ""), getattr(storage, "location", "")
        return f"s3://{bucket}/{prefix}"


def write_copy(*, now: datetime, everything: bool = False) -> int:
    """Write the files that differ from what was written last; return how many.

    Only one writer at a time. A failure is noted and tried again later; `everything` writes all, at once, and raises.
    """
    storage = storages[STORAGE]
    place = name_place(storage)
    if not _claim(place, now=now, at_once=everything):
        return 0
    try:
        written = _write_changed(storage, place, _drawn.of(read_facts(now=now)), everything=everything, now=now)
    except FAULTS as fault:
        _note_failure(place, fault, now=now)
        if everything:
            raise
        return 0
    CopyState.objects.filter(place=place).update(
        leased_until=None, failures=0, last_error="", checked_at=now, next_attempt_at=now
    )
    return written


@transaction.atomic
def _claim(place: str, *, now: datetime, at_once: bool) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [COPY_LOCK])
    state, _is_new = CopyState.objects.get_or_create(place=place, defaults={"next_attempt_at": now})
    if state.leased_until is not None and state.leased_until > now:
        return False
    if state.next_attempt_at > now and not at_once:
        return False
    state.leased_until = now + LEASE
    state.save(update_fields=["leased_until"])
    return True


def _write_changed(storage: Storage, place: str, bodies: Bodies, *, everything: bool, now: datetime) -> int:
    """Write file by file; what was written is known, so that a writer who fails goes on where it was."""
    known = dict(CopiedFile.objects.filter(place=place).values_list("path", "digest"))
    digests = {path: hashlib.sha256(body).hexdigest() for path, body in bodies.items()}
    changed = [path for path in _in_order(bodies) if everything or known.get(path) != digests[path]]
    for path in changed:
        put_file(storage, path, bodies[path])
        CopiedFile.objects.update_or_create(
            place=place, path=path, defaults={"digest": digests[path], "written_at": now}
        )
    return len(changed)


def _in_order(bodies: Mapping[str, bytes]) -> list[str]:
    """Return the pages last: what they lead to is there first."""
    return sorted(bodies, key=lambda path: (path.endswith(".html"), path))


def put_file(storage: Storage, path: str, body: bytes) -> None:
    """Put a file in its place, in a folder whole or not at all. Raises one of `FAULTS`."""
    try:
        target = Path(storage.path(path))
    except NotImplementedError:
        content = ContentFile(body)
        content.content_type = content_type_of(path)  # type: ignore[attr-defined]  # read by django-storages
        storage.save(path, content)
        return
    target.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    replace_file(target, body, mode=FILE_MODE)


def _note_failure(place: str, fault: Exception, *, now: datetime) -> None:
    state = CopyState.objects.get(place=place)
    state.failures += 1
    state.last_error = f"{type(fault).__name__}: {fault}"[:500].replace("\x00", "")
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(state.failures - 1, 10))
    state.leased_until, state.next_attempt_at = None, now + pause
    state.save(update_fields=["failures", "last_error", "leased_until", "next_attempt_at"])
    if state.failures == 1:
        log.warning("static copy of the status page not written to %s: %s", place, state.last_error)
