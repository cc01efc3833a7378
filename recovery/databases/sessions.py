"""Sessions with a target's database: short, named, with the same way to write every value."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors

from recovery.domain.addresses import Address
from recovery.errors import Failure

Session = psycopg.Connection[tuple[Any, ...]]

CONNECT_SECONDS = 10
#: How long to wait for what another session holds: a rollback that hangs tells nobody why.
LOCK_SECONDS = 30
#: A server that is gone is noticed after a minute, not after hours.
_ALIVE: dict[str, Any] = {
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
#: Databases that one can be in while another is renamed or made.
MAINTENANCE = ("postgres", "template1")
#: Limits of time that a server may set for every session; which there are depends on its version.
LIMITS = ("statement_timeout", "idle_in_transaction_session_timeout", "transaction_timeout")
#: Rows are compared by their text: nothing of a role's or a database's own settings may change it.
_SAME_TEXT = (
    "SET TimeZone='UTC'",
    "SET DateStyle='ISO, YMD'",
    "SET IntervalStyle='postgres'",
    "SET extra_float_digits=1",
    "SET bytea_output='hex'",
    "SET search_path=pg_catalog",
    "SET lc_monetary='C'",
)
_UNLIMITED = "SELECT set_config(name, '0', false) FROM pg_settings WHERE name = ANY(%s)"
#: Who holds for so long what others wait for, in any database: two may be asked at once, and the fault does not say
#: which was locked. A role without pg_read_all_stats sees less.
_HOLDERS = (
    "SELECT concat_ws(', ', a.datname, a.pid, nullif(a.application_name, ''),"
    " to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS \"UTC\"'))"
    " FROM pg_stat_activity AS a WHERE a.pid <> pg_backend_pid()"
    " AND coalesce(a.xact_start <= clock_timestamp() - make_interval(secs => %s), true)"
    " AND EXISTS (SELECT FROM pg_locks AS l"
    " WHERE l.pid = a.pid AND l.granted AND l.locktype IN ('relation', 'object') AND l.mode = ANY(%s))"
    " ORDER BY a.xact_start LIMIT 5"
)
_STRONG = ["ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"]


@contextmanager
def open_session(address: Address, *, autocommit: bool = True) -> Iterator[Session]:
    """Open a session with a database; what goes wrong while it is open is a Failure that says whether it passes."""
    with translated(address):
        connection = _connect(address)
        try:
            connection.execute(f"SET lock_timeout='{LOCK_SECONDS}s'")
            for statement in _SAME_TEXT:
                connection.execute(statement)
            if not autocommit:
                # Its transaction waits while programs run: where the server ends such ones, not this one; set before it
                # begins, since even a moment may be too long.
                connection.execute(_UNLIMITED, [list(LIMITS)])
            connection.autocommit = autocommit
            yield connection
        finally:
            connection.close()


def _connect(address: Address) -> Session:
    return psycopg.connect(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password,
        dbname=address.name,
        connect_timeout=CONNECT_SECONDS,
        application_name="release portal",
        autocommit=True,
        **_ALIVE,
    )


def describe_lock(address: Address, *, output: str) -> Failure:
    """Return the failure of having waited for a lock, with who holds one there: it may pass."""
    try:
        with _connect(address) as session:
            holders = [told for (told,) in session.execute(_HOLDERS, [LOCK_SECONDS, _STRONG])]
    except psycopg.Error:
        holders = []
    return Failure("database_locked", output=output, holders="; ".join(holders) or "?", is_passing=True)


@contextmanager
def open_maintenance(address: Address) -> Iterator[Session]:
    """Open a session beside a database, on its server: from here it can be renamed."""
    last: Failure | None = None
    for name in MAINTENANCE:
        try:
            with open_session(address.of(name)):
                pass
        except Failure as failure:
            last = failure
            continue
        with open_session(address.of(name)) as session:
            yield session
        return
    raise last or Failure("database_unreachable", is_passing=True)


@contextmanager
def translated(address: Address) -> Iterator[None]:
    """Turn the driver's errors into Failures, without the password that their text may hold."""
    try:
        yield
    except errors.InsufficientPrivilege as fault:
        raise Failure("database_right_missing", output=_say(fault, address), database=str(address)) from None
    except errors.DiskFull as fault:
        raise Failure("disk_full", output=_say(fault, address)) from None
    except errors.LockNotAvailable as fault:
        raise describe_lock(address, output=_say(fault, address)) from None
    except psycopg.OperationalError as fault:
        said = _say(fault, address)
        if any(words in said for words in ("authentication failed", "no pg_hba.conf entry", "does not exist")):
            raise Failure("database_refused", output=said, database=str(address)) from None
        raise Failure("database_unreachable", output=said, database=str(address), is_passing=True) from None
    except psycopg.Error as fault:
        raise Failure("database_failed", output=_say(fault, address), database=str(address)) from None


def _say(fault: psycopg.Error, address: Address) -> str:
    said = " ".join(str(fault).split())
    return said.replace(address.password, "•••") if address.password else said
