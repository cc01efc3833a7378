"""Puts a release on a target from a shell, as a pipeline does."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from core import clock
from core.shell import add_why, check_readable, read_why
from recovery.queries import get_target
from recovery.shell import follow
from recovery.transitions.wishes import deploy


class Command(BaseCommand):
    requires_system_checks = ()  # `migrate` makes them; here they would take as long as the command
    help = "Deploy an image to a target: a verified restore point first, then migrations, then a look at it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("target", help="the target's key")
        # Not `version`: the framework's own option has that name.
        parser.add_argument("release", metavar="VERSION")
        parser.add_argument("image", metavar="NAME@sha256:…")
        parser.add_argument(
            "--accept-migrations",
            action="store_true",
            help="also where nobody tried its migrations on a copy, or there is no way back behind one",
        )
        add_why(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        check_readable(options)
        operation = deploy(
            target=get_target(options["target"]),
            version=options["release"],
            image=options["image"],
            accepts_migrations=options["accept_migrations"],
            now=clock.now(),
            **read_why(options),
        )
        follow(operation.pk, out=self.stdout)
