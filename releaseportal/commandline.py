"""manage.py's way in: the embedded database where it is needed, and one line for what goes wrong."""

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import ManagementUtility, get_commands
from django.db import DatabaseError, InterfaceError, OperationalError

from core.errors import Refusal
from core.labels import say_refusal
from core.program import manage
from releaseportal.addresses import KEYS_FILE, find_addresses, find_data_dir, read_keys
from releaseportal.embedded.faults import EmbeddedError
from releaseportal.embedded.lock import UP, find_holder, hold_servers
from releaseportal.embedded.postgres import prepare_postgres, wait_for_postgres
from releaseportal.embedded.preflight import check_database_url, check_environment
from releaseportal.embedded.server import start_server, stop_server

#: Commands that never speak to the database, or look after it themselves.
WITHOUT_DATABASE = frozenset(
    {
        *("up", "help", "version", "--help", "-h", "--version", "simulate_fleet", "diagrams", "translations"),
        *("check", "makemigrations", "makemessages", "compilemessages", "collectstatic", "findstatic", "diffsettings"),
        *("sqlmigrate", "squashmigrations", "optimizemigration", "sendtestemail", "startapp", "test"),
    }
)
#: By PostgreSQL's own error codes.
MENDABLE = {
    "42P01": f"The database lacks a table: run `{manage('migrate')}`.",
    "42501": "The database role lacks a right: give DATABASE_OWNER_URL, the role that owns the tables, as well.",
}
FAILED = 1
INTERRUPTED = 130
HELD_PATIENCE_SECONDS = 60.0


def run(argv: Sequence[str]) -> int:
    """Run a command of manage.py; return its exit code.

    What a person can mend is one line; a traceback is kept for our own faults, or `--traceback`.
    """
    try:
        check_environment(os.environ)
        with open_database(argv):
            # Read now: Django's own way in would hide a wrong setting behind "unknown command".
            _ = settings.SECRET_KEY
            django.setup()
            check_command(argv)
            ManagementUtility(list(argv)).execute()
    except SystemExit as end:
        return read_exit(end)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (EmbeddedError, ImproperlyConfigured, DatabaseError, InterfaceError, Refusal) as fault:
        line = None if "--traceback" in argv else describe(fault, environment=os.environ)
        if line is None:
            raise
        sys.stderr.write(f"{line}\n")
        return FAILED
    return 0


def check_command(argv: Sequence[str]) -> None:
    """Refuse a command that nobody knows."""
    name = argv[1] if len(argv) > 1 else "help"
    if name not in {"help", "version"} and not name.startswith("-") and name not in get_commands():
        raise EmbeddedError(f"There is no command '{name}': `{manage('help')}` lists all.")


@contextlib.contextmanager
def open_database(argv: Sequence[str]) -> Iterator[None]:
    """Have a database for a command's duration: a given one, `up`'s, or the embedded one started now."""
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        if os.environ.get(name):
            check_database_url(name, os.environ[name])
    data_dir = find_data_dir(os.environ)
    command = argv[1] if len(argv) > 1 else "help"
    if not needs_start(command, data_dir=data_dir, environment=os.environ):
        yield
        return
    with hold_servers(data_dir, what=f"manage.py {command}", patience_seconds=HELD_PATIENCE_SECONDS):
        server = prepare_postgres(data_dir)
        log = data_dir / "logs" / "postgres.log"
        process = start_server(server, log=log)
        try:
            wait_for_postgres(read_keys(data_dir)["database_url"], log=log)
            yield
        finally:
            stop_server(process, stop_signal=server.stop_signal)


def needs_start(command: str, *, data_dir: Path, environment: Mapping[str, str]) -> bool:
    """Return whether a command wants the embedded database and nobody runs it."""
    if environment.get("DATABASE_URL") or command in WITHOUT_DATABASE:
        return False
    # Only `up` makes a cluster: a mistyped DATA_DIR must not give an empty portal.
    if "database_url" not in read_keys(data_dir):
        return False
    holder = find_holder(data_dir)
    return holder is None or holder.what != UP


def describe(fault: Exception, *, environment: Mapping[str, str]) -> str | None:
    """Return the line for a fault that a person can mend, None for a fault of ours."""
    if isinstance(fault, Refusal):
        return str(say_refusal(fault))
    if isinstance(fault, OperationalError | InterfaceError):
        return describe_lost_database(environment)
    if isinstance(fault, DatabaseError):
        return MENDABLE.get(find_sqlstate(fault))
    return " ".join(str(fault).split())


def find_sqlstate(fault: BaseException | None) -> str:
    """Return PostgreSQL's code of what led to a fault, empty where there is none."""
    while fault is not None:
        code = getattr(fault, "sqlstate", None)
        if code:
            return str(code)
        fault = fault.__cause__ or fault.__context__
    return ""


def describe_lost_database(environment: Mapping[str, str]) -> str:
    """Return where the database should be and what to do."""
    data_dir = find_data_dir(environment)
    given = bool(environment.get("DATABASE_URL"))
    if not given and is_foreign(data_dir):
        return f"DATA_DIR {data_dir} belongs to another account: run this as the account that runs `make up`."
    if not given and "database_url" not in read_keys(data_dir):
        return f"There is no database in DATA_DIR {data_dir} yet: run `make up` once, or set DATABASE_URL."
    parts = urlsplit(find_addresses(data_dir, environment=environment).database_url)
    where = f"{parts.hostname}:{parts.port or 5432}{parts.path}"
    remedy = "check DATABASE_URL and that the server runs" if given else "see DATA_DIR/logs"
    return f"The database at {where} does not answer or refuses: {remedy}."


def is_foreign(data_dir: Path) -> bool:
    """Return whether there are keys that this account may not read."""
    try:
        return (data_dir / KEYS_FILE).exists() and not os.access(data_dir / KEYS_FILE, os.R_OK)
    except PermissionError:
        return True


def read_exit(end: SystemExit) -> int:
    """Return the exit code of a command that ended itself."""
    if end.code is None:
        return 0
    if isinstance(end.code, int):
        return end.code
    sys.stderr.write(f"{end.code}\n")
    return FAILED
