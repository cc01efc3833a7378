"""What one `up` runs: the choice of the person, and each program's command line."""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.program import manage
from releaseportal.embedded.portalfile import read_demo
from releaseportal.embedded.server import Server

TILL = "till"


@dataclass(frozen=True)
class Plan:
    """The settings of one `up`; `base_dir` is where manage.py lies."""

    base_dir: Path
    data_dir: Path
    host: str
    port: int
    url: str
    own_database: bool
    own_broker: bool
    demo: bool
    fleet: bool
    #: None: no till.
    till_port: int | None = None

    @property
    def till_origin(self) -> str:
        """Where the example till is; it listens on loopback only, whatever HOST is."""
        return f"http://127.0.0.1:{self.till_port}"

    @property
    def has_till_database(self) -> bool:
        """Whether the till has a database of its own, on the embedded server."""
        return self.own_database and self.till_port is not None

    def greeting(self, *, has_till: bool = False) -> str:
        """Return the lines that say where the portal is, who may sign in, and what to try with the till."""
        lines = ["", f"The Release Portal is at {self.url}/", ""]
        told = read_demo(self.data_dir)
        if self.demo and (users := told.get("users")):
            lines += [f"  {role:<10} {one['username']:<18} {one['password']}" for role, one in users.items()]
            lines.append("")
        if has_till and (shown := told.get("rollout")):
            command = f'flag off {shown["flag"]} --env {shown["environment"]} --reason "Tried at the till"'
            lines += [f"An example till is at {self.till_origin}/ - take a flag back and its feature vanishes at once:"]
            lines += [f"  {manage(command)}", ""]
        if has_till and self.has_till_database:
            lines += ["What it sells is in a database of its own: take it back under Recovery, or in a shell:"]
            command = 'rollback start till --newest-point --reason "Tried at the till"'
            lines += [f"  {manage(command)}", ""]
        return "\n".join([*lines, f"Logs are in {self.data_dir / 'logs'}. Ctrl-C stops everything."])


def manage_step(plan: Plan, arguments: Sequence[str]) -> Server:
    """Return a command of manage.py as a child that runs once."""
    return _python(plan, name="setup", arguments=(str(plan.base_dir / "manage.py"), *arguments))


def list_programs(plan: Plan) -> list[Server]:
    """Return what runs while the portal is up, besides its servers."""
    web = ["-m", "uvicorn", "releaseportal.asgi:application", "--host", plan.host, "--port", str(plan.port)]
    # Streams stay open for ever: without a limit, stopping would wait for every till to leave.
    web += ["--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "3"]
    celery = ["-m", "celery", "-A", "releaseportal"]
    worker = [*celery, "worker", "--pool", "threads", "--concurrency", "4", "--loglevel", "WARNING"]
    worker += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    beat = [*celery, "beat", "--pidfile", "", "--loglevel", "WARNING"]
    programs = [
        _python(plan, name="web", arguments=web),
        _python(plan, name="worker", arguments=worker),
        _python(plan, name="beat", arguments=beat),
    ]
    if plan.fleet:
        programs.append(_python(plan, name="fleet", arguments=(str(plan.base_dir / "manage.py"), "simulate_fleet")))
    if plan.till_port and read_demo(plan.data_dir).get("tokens"):
        programs.append(_till(plan, port=plan.till_port))
    return programs


def _till(plan: Plan, *, port: int) -> Server:
    script = plan.base_dir / "examples" / "till" / "serve.py"
    arguments = [str(script), "--data-dir", str(plan.data_dir), "--port", str(port), "--install"]
    if plan.has_till_database:
        # Where `load_till` leaves the address of its database, as a target's secret.
        secrets = Path(os.environ.get("RECOVERY_SECRETS_DIR") or plan.data_dir / "secrets")
        arguments += ["--database-file", str(secrets / TILL)]
    return replace(_python(plan, name=TILL, arguments=arguments), may_give_up=True)


def _python(plan: Plan, *, name: str, arguments: Sequence[str]) -> Server:
    environment: Mapping[str, str] = {
        "DJANGO_SETTINGS_MODULE": "releaseportal.settings",
        # They were made by `migrate` just before; here they would load every page into worker and beat.
        "CELERY_SKIP_CHECKS": "1",
        "DATA_DIR": str(plan.data_dir),
        "PORT": str(plan.port),
        "PUBLIC_URL": plan.url,
        "PYTHONUNBUFFERED": "1",
    }
    command = (sys.executable, *arguments)
    # SIGKILL when the supervisor is gone: nothing decided is lost, and the port must be free again.
    return Server(name, command, plan.base_dir, signal.SIGTERM, environment=environment, death_signal=signal.SIGKILL)
