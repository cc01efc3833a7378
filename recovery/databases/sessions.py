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
#: Databases that one can be in while another is renamed or made.
MAINTENANCE = ("postgres", "template1")
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


@contextmanager
def open_session(address: Address, *, autocommit: bool = True) -> Iterator[Session]:
    """Open a session with a database; what goes wrong while it is open is a Failure that says whether it passes."""
    with translated(address):
        connection = psycopg.connect(
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password,
            dbname=address.name,
            connect_timeout=CONNECT_SECONDS,
            application_name="release portal",
            autocommit=True,
        )
        try:
            for statement in _SAME_TEXT:
                connection.execute(statement)
            connection.autocommit = autocommit
            yield connection
        finally:
            connection.close()


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
