"""`manage.py load_till`: the demo's till gets its database, filled, and its target in the portal.

`up` calls it each time. With `--docker FOLDER` it writes a compose project there, with a database and a target of its
own: build the till's images, push them to a registry, and deploy.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser
from psycopg import sql

from core import clock
from core.actors import DEMO
from flags.models import Environment
from recovery.domain.addresses import Address, make_url, parse_address
from recovery.models import Target
from recovery.transitions.targeting import TargetWish, create_target
from recovery.transitions.wishes import take_point
from releaseportal.addresses import read_keys
from releaseportal.embedded.keys import write_private_text

REASON = "The demo's till"
TILL_FOLDER = Path(settings.BASE_DIR) / "examples" / "till"
CHECKS = TILL_FOLDER / "server" / "checks"
TICKETS = 2_000
COMMAND_SECONDS = 120
#: Where the till of the compose project answers, as its file says.
DOCKER_HEALTH = "http://127.0.0.1:8010/health"


class Command(BaseCommand):
    requires_system_checks = ()  # `migrate` makes them; here they would take as long as the command
    help = "Give the demo's till its database, some tickets, and a target that can be taken back."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--docker",
            metavar="FOLDER",
            type=Path,
            help="a compose project there, with a database and target of its own",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        known = read_keys(settings.DATA_DIR).get("till_url")
        if not known:
            raise CommandError("The till's database is on the embedded server: `make up` with the demo makes its role.")
        folder = options["docker"]
        if folder is None:
            self._load("till", parse_address(known), version="1.3.0")
            return
        if not folder.is_absolute() or not folder.parent.is_dir():
            raise CommandError(f"{folder}: give the whole path of a folder whose parent is there.")
        address = parse_address(known).of("till_docker")
        self._load("till-docker", address, version="1.2.0", folder=folder)
        self._write_project(folder, address)
        self.stdout.write(
            f"The compose project is in {folder}. Build and push the images, then deploy 1.2.0 and 1.3.0."
        )

    def _load(self, key: str, address: Address, *, version: str, folder: Path | None = None) -> None:
        secret = Path(settings.RECOVERY_SECRETS_DIR) / key
        secret.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private_text(secret, make_url(address) + "\n")
        is_new = _make_database(address)
        if is_new or folder is None:
            # One in containers belongs to what is deployed there.
            _call(address, "migrate", version=version)
        if is_new:
            _call(address, "fill", "--tickets", str(TICKETS), version=version)
        if not Target.objects.filter(key=key).exists():
            target = create_target(
                key=key, wish=_describe(key, folder=folder), actor=DEMO, reason=REASON, now=clock.now()
            )
            take_point(target=target, label="first", actor=DEMO, reason=REASON, now=clock.now())
        self.stdout.write(f"The till's database is {address}; its target is {key}.")

    def _write_project(self, folder: Path, address: Address) -> None:
        folder.mkdir(exist_ok=True)
        shutil.copy(TILL_FOLDER / "server" / "docker-compose.yml", folder)
        write_private_text(folder / "till.env", f"DATABASE_URL={make_url(address)}\n")


def _describe(key: str, *, folder: Path | None) -> TargetWish:
    environments = Environment.objects.order_by("-is_production", "position")
    # Containers are for trying: never production's.
    environment = environments.first() if folder is None else environments.filter(is_production=False).first()
    if environment is None:
        raise CommandError("There is no environment: load the demo first.")
    plain: dict[str, Any] = {
        "environment_id": environment.pk,
        "database": f"file:{key}",
        "receipts": "tickets.number",
        "checks_folder": str(CHECKS),
    }
    if folder is None:
        return TargetWish(name="Caisse", **plain)
    return TargetWish(
        name="Caisse (Docker)",
        **plain,
        is_for_drills=True,
        folder=str(folder),
        project="till",
        service="till",
        command_service="commands",
        image_variable="TILL_IMAGE",
        migrate=["migrate"],
        reverse=["migrate", "{name}"],
        smoke=["smoke"],
        database_variable="DATABASE_URL",
        health_url=DOCKER_HEALTH,
    )


def _make_database(address: Address) -> bool:
    """Make the till's database where it is not there; True where it was made."""
    with psycopg.connect(make_url(address.of("postgres")), autocommit=True) as session:
        there = session.execute("SELECT 1 FROM pg_database WHERE datname = %s", [address.name]).fetchone()
        if there is None:
            session.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(address.name)))
    return there is None


def _call(address: Address, *words: str, version: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "server", *words],
        cwd=TILL_FOLDER,
        env={"PATH": os.defpath, "DATABASE_URL": make_url(address), "TILL_VERSION": version},
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    if done.returncode:
        raise CommandError(f"The till's {words[0]} failed: {done.stderr.strip()}")
