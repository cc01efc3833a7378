"""`manage.py up`: the whole portal on this machine, from one command."""

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, get_commands

from releaseportal.embedded.faults import EmbeddedError
from releaseportal.embedded.keys import prepare_data_dir
from releaseportal.embedded.lock import UP, hold_servers
from releaseportal.embedded.preflight import check_broker, check_database, check_port, is_on, read_port, read_till_port
from releaseportal.embedded.programs import Plan
from releaseportal.embedded.supervisor import Supervisor, say


class Command(BaseCommand):
    help = "Start the servers, web, worker, beat and demo under one supervisor; Ctrl-C stops everything."
    requires_system_checks = ()  # `migrate` makes them; here they would take as long as the command
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        plan = make_plan()
        try:
            prepare_data_dir(plan.data_dir)
            # WhiteNoise warns about a folder that is not there, although it finds files without it.
            Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
            with hold_servers(plan.data_dir, what=UP, patience_seconds=20):
                check_port(plan.host, plan.port)
                check_given_addresses()
                Supervisor(plan, say=say).run()
        except EmbeddedError as fault:
            raise CommandError(str(fault)) from None
        except OSError as fault:
            # A full disk, or a file of another account in the folder.
            where = fault.filename or plan.data_dir
            raise CommandError(f"{where}: {fault.strerror or fault}. Mend it, or set another DATA_DIR.") from None


def make_plan() -> Plan:
    """Return what the environment asks for."""
    given = os.environ
    known = get_commands()
    host = given.get("HOST") or "127.0.0.1"
    port = read_port(given)
    shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - shown, not bound
    demo = is_on("DEMO", given) and "load_demo" in known
    return Plan(
        base_dir=settings.BASE_DIR,
        data_dir=settings.DATA_DIR,
        host=host,
        port=port,
        url=(given.get("PUBLIC_URL") or f"http://{f'[{shown}]' if ':' in shown else shown}:{port}").rstrip("/"),
        own_database=not given.get("DATABASE_URL"),
        own_broker=not given.get("REDIS_URL"),
        demo=demo,
        fleet=demo and is_on("FLEET", given) and "simulate_fleet" in known,
        till_port=read_till_port(given, port=port) if demo else None,
    )


def check_given_addresses() -> None:
    """Try the servers that the environment names."""
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        if os.environ.get(name):
            check_database(name, os.environ[name])
    if os.environ.get("REDIS_URL"):
        check_broker(os.environ["REDIS_URL"])
