"""Check a dossier: `manage.py check_dossier FILE`."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from incidents.dossier_file import Given, is_as_written, read_file
from incidents.models import Dossier
from rollouts.domain.approving import hash_content
from rollouts.shell import say_moment


class Command(BaseCommand):
    requires_system_checks = ()  # `migrate` makes them; here they would take as long as the command
    help = "Check whether a dossier's content fits its hash, and whether this portal gave it out; exit 1 where not."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="a dossier as .html or .json; - reads what is piped in")

    def handle(self, *args: Any, **options: Any) -> None:
        given = read_file(_read(options["file"]))
        found = hash_content(given.facts)
        faults = []
        if found != given.sha256:
            faults.append(f"The facts were changed: they hash to {found}, the file says {given.sha256}.")
        elif not is_as_written(given):
            faults.append(
                "The facts fit their hash, but the text around them is not what this portal writes of them: it was"
                " changed, or another version or year wrote it. Trust the facts, not the text."
            )
        rows = Dossier.objects.filter(sha256=given.sha256).select_related("release", "made_by").order_by("pk")
        taken = list(rows)
        if not taken:
            faults.append("This portal never gave out a dossier with this hash.")
        else:
            first = taken[0]
            by, at = first.made_by.username, say_moment(first.made_at)
            self.stdout.write(f"First taken by {by}, {at}: release {first.release.version}.")
            if not any(_is_of(row, given) for row in taken):
                faults.append(
                    f"Nobody called {given.made.by} took it at the moment that the file says: that was changed, or the"
                    " person is called otherwise since. Trust the facts, not who took them."
                )
        for fault in faults:
            self.stderr.write(fault)
        if faults:
            sys.exit(1)
        self.stdout.write(f"The dossier holds: {found}")


def _is_of(row: Dossier, given: Given) -> bool:
    """Tell whether a file says of itself what is noted of who took it when: its hash is of the facts alone."""
    return row.made_at == given.made.at and given.made.by in {row.made_by.get_full_name(), row.made_by.username}


def _read(name: str) -> str:
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return data.decode("utf-8")
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise CommandError(f"{name} is no text in UTF-8.") from None
