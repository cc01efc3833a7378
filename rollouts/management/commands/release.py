"""Releases from a shell: registered as a pipeline does, which may ask twice."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from core import clock
from core.shell import add_why, check_readable, read_why
from rollouts.queries import list_releases
from rollouts.shell import say_release
from rollouts.transitions import register_release


class Command(BaseCommand):
    requires_system_checks = ()  # `migrate` makes them; here they would take as long as the command
    help = "List releases, or register one with its flags and its image."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        listing = actions.add_parser("list", help="releases, newest first")
        listing.add_argument("--limit", type=int, default=50)
        registering = actions.add_parser("register", help="make a release; the same again changes nothing")
        registering.add_argument("version")
        registering.add_argument(
            "--flag", action="append", required=True, metavar="KEY", help="may be repeated: in the order they advance"
        )
        registering.add_argument("--name", default="")
        registering.add_argument("--notes", default="")
        registering.add_argument("--image", default="", metavar="NAME@sha256:…", help="by its digest")
        add_why(registering)

    def handle(self, *args: Any, **options: Any) -> None:
        check_readable(options)
        if options["action"] == "list":
            for release in list_releases()[: max(options["limit"], 0)]:
                self.stdout.write(say_release(release))
            return
        release, is_new = register_release(
            version=options["version"],
            flag_keys=options["flag"],
            name=options["name"],
            notes=options["notes"],
            image=options["image"],
            now=clock.now(),
            **read_why(options),
        )
        self.stdout.write(f"{'registered' if is_new else 'there already'}: {say_release(release)}")
