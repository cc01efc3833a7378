"""What one `up` runs: the choice of the person, and each program's command line."""

import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from releaseportal.embedded.portalfile import read_demo
from releaseportal.embedded.server import Server


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

    def greeting(self) -> str:
        """Return the lines that say where the portal is and who may sign in."""
        lines = ["", f"The Release Portal is at {self.url}/", ""]
        users = read_demo(self.data_dir).get("users", {})
        if self.demo and users:
            lines += [f"  {role:<10} {one['username']:<18} {one['password']}" for role, one in users.items()]
            lines.append("")
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
    # Kept in memory: every period is seconds, and a schedule file breaks when beat is killed.
    beat = [*celery, "beat", "--scheduler", "celery.beat:Scheduler", "--pidfile", "", "--loglevel", "WARNING"]
    programs = [
        _python(plan, name="web", arguments=web),
        _python(plan, name="worker", arguments=worker),
        _python(plan, name="beat", arguments=beat),
    ]
    if plan.fleet:
        programs.append(_python(plan, name="fleet", arguments=(str(plan.base_dir / "manage.py"), "simulate_fleet")))
    return programs


def _python(plan: Plan, *, name: str, arguments: Sequence[str]) -> Server:
    environment: Mapping[str, str] = {
        "DJANGO_SETTINGS_MODULE": "releaseportal.settings",
        "DATA_DIR": str(plan.data_dir),
        "PORT": str(plan.port),
        "PUBLIC_URL": plan.url,
        "PYTHONUNBUFFERED": "1",
    }
    command = (sys.executable, *arguments)
    # SIGKILL when the supervisor is gone: nothing decided is lost, and the port must be free again.
    return Server(name, command, plan.base_dir, signal.SIGTERM, environment=environment, death_signal=signal.SIGKILL)
