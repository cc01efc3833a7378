"""Complaints from a shell: a CSV file, all of it or nothing."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import clock
from core.errors import InvalidInput
from core.filing import STDIN, WOULD_CHANGE
from core.shell import check_readable, read_actor
from flags.models import Environment
from flags.queries import find_environment
from health.domain.complaint_file import COLUMNS, MOST_BYTES
from health.import_labels import say_fault
from health.importing import Imported, import_complaints, preview_import


class Command(BaseCommand):
    requires_system_checks = ()  # `migrate` makes them; here they would take as long as the command
    help = "Log the complaints of a CSV file, all of them or none; lines that are there already are left out."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help=f"columns {', '.join(COLUMNS)}; - reads what is piped in")
        parser.add_argument("--env", required=True, help="the environment's key")
        parser.add_argument("--by", default="", help="who; else the operating-system account")
        parser.add_argument(
            "--dry-run", action="store_true", help=f"write nothing; exit {WOULD_CHANGE} if something would be new"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        check_readable(options)
        environment = _get_environment(options["env"])
        source, now = _read(options["file"]), clock.now()
        found = preview_import(source=source, environment_id=environment.pk, now=now)
        if found.faults:
            for fault in found.faults:
                self.stderr.write(say_fault(fault))
            raise InvalidInput("import_faulty", count=len(found.faults))
        if options["dry_run"]:
            self._say(found, "would be new; nothing was written")
            if found.lines:
                raise SystemExit(WOULD_CHANGE)
            return
        actor = read_actor(options)
        done = import_complaints(source=source, environment_id=environment.pk, actor=actor, now=now)
        self._say(done, "imported")

    def _say(self, found: Imported, done: str) -> None:
        self.stdout.write(f"{len(found.lines)} {done}, {found.known} there already")


def _get_environment(key: str) -> Environment:
    environment = find_environment(key)
    if environment is None:
        raise InvalidInput("environment_unknown", environment=key)
    return environment


def _read(name: str) -> bytes:
    """Return a file's bytes, at most one more than a file may have."""
    if name == STDIN:
        return sys.stdin.buffer.read(MOST_BYTES + 1)
    try:
        with Path(name).open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as fault:
        raise CommandError(f"The file '{name}' cannot be read: {fault.strerror}.") from None
