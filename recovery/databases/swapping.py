"""The live database and the restored one change names: in one transaction, with nobody in either."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg import errors, sql

from recovery.databases.sessions import Session, open_maintenance, open_session
from recovery.domain.addresses import Address
from recovery.errors import Failure

#: What is set on a database that nobody shall write to any more; it goes with the database, whatever its name.
READ_ONLY = "default_transaction_read_only"
KEPT_MARK = "release portal: kept"
#: A database's own limit of connections; superusers alone come in beyond it.
NO_LIMIT = -1
#: How long sessions that were told to end may take to.
PATIENCE_SECONDS = 20.0
PAUSE_SECONDS = 0.05


def find_oid(session: Session, name: str) -> int | None:
    """Return what identifies a database whatever it is called, None where the name is nobody's."""
    found = session.execute("SELECT oid::bigint FROM pg_database WHERE datname = %s", [name]).fetchone()
    return int(found[0]) if found else None


def get_oid(live: Address, *, name: str) -> int:
    """Return the identity of a database beside the live one."""
    with open_maintenance(live) as session:
        oid = find_oid(session, name)
    if oid is None:
        raise Failure("database_missing", database=name)
    return oid


def make_read_only(live: Address) -> None:
    """Let nobody write any more: sessions from now on only read, those that are open end.

    Reading goes on, so that what would be lost can be counted exactly.
    """
    with open_maintenance(live) as session:
        _set_read_only(session, live.name, is_on=True)
        _end_sessions(session, [live.name])


def read_limit(live: Address) -> int:
    """Return how many connections a database allows, -1 for any number."""
    with open_maintenance(live) as session:
        found = session.execute("SELECT datconnlimit FROM pg_database WHERE datname = %s", [live.name]).fetchone()
    if found is None:
        raise Failure("database_missing", database=live.name)
    return int(found[0])


@contextmanager
def open_alone(live: Address) -> Iterator[Session]:
    """Open the only session with a database: all others end, and nobody comes in any more, nor after this one ended.

    Reading only is what a client may undo for its own session; this it may not.
    """
    with open_maintenance(live) as beside:
        _limit(beside, live.name, to=NO_LIMIT)
        with open_session(live) as session:
            _limit(beside, live.name, to=0)
            _end_sessions(beside, [live.name], but=session.info.backend_pid)
            yield session


def make_writable(live: Address, *, limit: int = NO_LIMIT) -> None:
    """Let everybody write again, and read; as many at a time as before."""
    with open_maintenance(live) as session:
        _allow(session, live.name, is_allowed=True)
        _limit(session, live.name, to=limit)
        _set_read_only(session, live.name, is_on=False)
        _end_sessions(session, [live.name])


def swap(live: Address, *, with_name: str, with_oid: int, keep_as: str, limit: int = NO_LIMIT) -> float:
    """Give the live database's name to another, and keep the former live one under a new name.

    Returns the seconds without any database under the live name: 0.0 where it was done before. `limit`: how many
    connections the live one allows, and from now on both.
    Before the one transaction that renames both, nothing has changed but who may connect, which a fault mends.
    """
    with open_maintenance(live) as session:
        if find_oid(session, live.name) == with_oid:
            _reopen(session, [live.name, keep_as])
            return 0.0
        if find_oid(session, with_name) != with_oid or find_oid(session, keep_as) is not None:
            raise Failure("swap_unclear", live=live.name, restored=with_name, kept=keep_as)
        with _closed(session, [live.name, with_name]):
            begun = time.monotonic()
            with session.transaction():
                _rename(session, live.name, keep_as)
                _rename(session, with_name, live.name)
                mark = sql.SQL("COMMENT ON DATABASE {} IS {}")
                session.execute(mark.format(sql.Identifier(keep_as), sql.Literal(KEPT_MARK)))
                session.execute(mark.format(sql.Identifier(live.name), sql.Literal("")))
                _limit(session, live.name, to=limit)
                _limit(session, keep_as, to=limit)
            taken = time.monotonic() - begun
        _reopen(session, [live.name, keep_as])
    return taken


@contextmanager
def _closed(session: Session, names: list[str]) -> Iterator[None]:
    """Keep everybody out of databases, and let them in again where the block fails."""
    try:
        for name in names:
            _allow(session, name, is_allowed=False)
        _end_sessions(session, names)
        yield
    except BaseException:
        # Where the server itself went away this fails as well: the next attempt lets them in.
        with suppress(psycopg.Error):
            _reopen(session, names)
        raise


def _reopen(session: Session, names: list[str]) -> None:
    for name in names:
        if find_oid(session, name) is not None:
            _allow(session, name, is_allowed=True)


def _allow(session: Session, name: str, *, is_allowed: bool) -> None:
    session.execute(
        sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}").format(
            sql.Identifier(name), sql.SQL("true" if is_allowed else "false")
        )
    )


def _limit(session: Session, name: str, *, to: int) -> None:
    session.execute(sql.SQL("ALTER DATABASE {} WITH CONNECTION LIMIT {}").format(sql.Identifier(name), sql.Literal(to)))


def _set_read_only(session: Session, name: str, *, is_on: bool) -> None:
    words = "ALTER DATABASE {} SET {} = on" if is_on else "ALTER DATABASE {} RESET {}"
    session.execute(sql.SQL(words).format(sql.Identifier(name), sql.Identifier(READ_ONLY)))


def _rename(session: Session, name: str, new: str) -> None:
    session.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(name), sql.Identifier(new)))


def _end_sessions(session: Session, names: list[str], *, but: int = 0) -> None:
    """End every session with these databases that is open by now; refuse where one stays. `but`: a session's pid.

    Whoever comes again meanwhile is let be: an application's pool does at once, and finds what was set. Since when
    a session of a foreign role is open is not told to everybody: of those the ones count that are here now.
    """
    told = (
        "SELECT pid, usename FROM pg_stat_activity WHERE datname = ANY(%s) AND NOT pid = ANY(%s)"
        " AND (backend_start <= %s OR (backend_start IS NULL AND pid = ANY(%s)))"
    )
    here = "SELECT clock_timestamp(), array_agg(pid) FROM pg_stat_activity WHERE datname = ANY(%s)"
    begun, pids = session.execute(here, [names]).fetchone() or (None, None)
    spared = [but, session.info.backend_pid]
    limit = time.monotonic() + PATIENCE_SECONDS
    while there := session.execute(told, [names, spared, begun, pids or []]).fetchall():
        for pid, role in there:
            try:
                session.execute("SELECT pg_terminate_backend(%s)", [pid])
            except errors.InsufficientPrivilege:
                raise Failure("session_foreign", database=names[0], role=str(role)) from None
        if time.monotonic() > limit:
            raise Failure("sessions_remain", database=names[0], count=len(there), is_passing=True)
        time.sleep(PAUSE_SECONDS)
