"""Whether somebody was in a database."""

import time

from recovery.databases.sessions import open_maintenance
from recovery.domain.addresses import Address

#: A session is counted when it ends, a moment after its client has gone.
GONE_SECONDS = 5.0
_PAUSE_SECONDS = 0.05


def count_visits(address: Address) -> int:
    """Return how many sessions a database has had so far, once none is left; looked at from beside it."""
    limit = time.monotonic() + GONE_SECONDS
    with open_maintenance(address) as session:
        busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'"
        while (row := session.execute(busy, [address.name]).fetchone()) and row[0] and time.monotonic() < limit:
            time.sleep(_PAUSE_SECONDS)
        found = session.execute("SELECT sessions FROM pg_stat_database WHERE datname = %s", [address.name]).fetchone()
    return int(found[0]) if found else 0
