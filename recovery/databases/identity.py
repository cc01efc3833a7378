"""Which database an address leads to, asked of the server itself: one name or another may be the same machine."""

from typing import Any

from django.db import connection

from recovery.databases.sessions import Session, open_session
from recovery.domain.addresses import Address
from recovery.errors import Failure

#: The cluster's own number, which its copies share, and the database's within it.
_WHO = (
    "SELECT (SELECT system_identifier FROM pg_control_system())::text,"
    " (SELECT oid FROM pg_database WHERE datname = current_database())::bigint"
)
_MAY_ASK = "SELECT has_function_privilege('pg_control_system()', 'EXECUTE')"
#: Where the cluster does not say who it is: only a portal has these tables.
_HAS_OURS = (
    "SELECT to_regclass('public.recovery_restorepoint') IS NOT NULL"
    " AND to_regclass('public.flags_staterevision') IS NOT NULL"
)


def check_not_ours(address: Address) -> None:
    """Refuse an address that leads to the portal's own database, under whatever name; raises Failure."""
    own = _find_own_identity()
    with open_session(address) as session:
        other = _find_identity(session)
        if own is None or other is None:
            found = session.execute(_HAS_OURS).fetchone()
            is_ours = bool(found and found[0])
        else:
            is_ours = own == other
    if is_ours:
        raise Failure("database_is_the_portals")


def _find_identity(session: Session) -> tuple[Any, ...] | None:
    """Return (number of the cluster, of the database), None where the role may not ask."""
    may = session.execute(_MAY_ASK).fetchone()
    return session.execute(_WHO).fetchone() if may and may[0] else None


def _find_own_identity() -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(_MAY_ASK)
        if not cursor.fetchone()[0]:
            return None
        cursor.execute(_WHO)
        found: tuple[Any, ...] = cursor.fetchone()
    return found
