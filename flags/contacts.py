"""When each till last fetched, and at which revision: gathered in memory, written now and then.

Any fetch counts, of one flag or of all: a client that asks for one flag asks at every evaluation and
holds nothing older. A till is known by the context's attribute `till`; names that no till bears
are dropped when they are written.
"""

import json
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection

from flags.domain.definition import EnvironmentDefinition
from flags.domain.values import is_storable

#: A till that fetches again and again without news is written this often.
QUIET = timedelta(seconds=20)
#: Names one process remembers between two writes; more than any fleet has tills.
MOST_NAMES = 20_000
MOST_CHARACTERS = 100

UPSERT = """
INSERT INTO flags_tillcontact (environment_id, till_id, revision, seen_at)
SELECT e.id, t.id, c.revision, c.seen_at
FROM jsonb_to_recordset(%s) AS c(environment_id bigint, till text, revision bigint, seen_at timestamptz)
JOIN flags_till t ON t.key = c.till JOIN flags_environment e ON e.id = c.environment_id
ORDER BY e.id, t.id
ON CONFLICT (environment_id, till_id) DO UPDATE
SET revision = GREATEST(flags_tillcontact.revision, excluded.revision),
    seen_at = GREATEST(flags_tillcontact.seen_at, excluded.seen_at)
"""


class Contact(NamedTuple):
    revision: int
    at: datetime


class TillContacts:
    """Newest fetch of each till in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._new: dict[tuple[int, str], Contact] = {}
        self._written: dict[tuple[int, str], Contact] = {}

    def note(self, definition: EnvironmentDefinition, context: Mapping[str, object], *, now: datetime) -> None:
        """Remember that the context's till, if it names one, has fetched the definition."""
        till = context.get("till")
        if not isinstance(till, str):
            return
        name = (definition.environment_id, till)
        if name in self._new or (_is_name(till) and len(self._new) < MOST_NAMES):
            self._new[name] = Contact(definition.revision, now)

    def flush(self) -> int:
        """Write what is new; return how many tills. What cannot be written is kept for the next time."""
        with self._lock:
            found, self._new = self._new, {}
            due = {name: contact for name, contact in found.items() if self._is_due(name, contact)}
            self._new = {name: one for name, one in found.items() if name not in due} | self._new
            if not due:
                return 0
            try:
                self._write(due)
            except BaseException:
                self._new = due | self._new
                raise
            if len(self._written) + len(due) > MOST_NAMES:
                self._written.clear()
            self._written.update(due)
            return len(due)

    def _is_due(self, name: tuple[int, str], contact: Contact) -> bool:
        before = self._written.get(name)
        return before is None or contact.revision > before.revision or contact.at - before.at >= QUIET

    @staticmethod
    def _write(due: Mapping[tuple[int, str], Contact]) -> None:
        rows = [
            {"environment_id": environment_id, "till": till, "revision": one.revision, "seen_at": one.at.isoformat()}
            for (environment_id, till), one in due.items()
        ]
        with connection.cursor() as cursor:
            cursor.execute(UPSERT, [json.dumps(rows)])


def _is_name(till: str) -> bool:
    return 0 < len(till) <= MOST_CHARACTERS and is_storable(till)


CONTACTS = TillContacts()
