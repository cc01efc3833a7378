"""Tries a release's migrations on a copy of a target's database, as a pipeline does before it deploys."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import clock
from core.program import manage
from core.shell import add_why, check_readable, read_why
from recovery.domain.reversals import Reversibility
from recovery.labels import REVERSIBILITIES
from recovery.queries import find_newest_point, get_operation, get_target
from recovery.shell import follow
from recovery.transitions.wishes import rehearse


class Command(BaseCommand):
    requires_system_checks = ()  # `migrate` makes them; here they would take as long as the command
    help = "Try a release's migrations on a restored copy: forward, back one by one, forward again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("target", help="the target's key")
        # Not `version`: the framework's own option has that name.
        parser.add_argument("release", metavar="VERSION")
        parser.add_argument("image", metavar="NAME@sha256:…")
        parser.add_argument("--point", type=int, help="the restore point to copy; else the newest verified one")
        add_why(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        check_readable(options)
        target = get_target(options["target"])
        point_id = options["point"]
        if point_id is None:
            newest = find_newest_point(target)
            if newest is None:
                first = manage(f"restore_point take {target.key} --reason TEXT")
                raise CommandError(f"{target.key} has no verified restore point. First: {first}")
            point_id = newest.pk
        operation = rehearse(
            target=target,
            version=options["release"],
            image=options["image"],
            point_id=point_id,
            now=clock.now(),
            **read_why(options),
        )
        follow(operation.pk, out=self.stdout)
        state = get_operation(operation.pk).state
        for name, kind in state.get("found", {}).items():
            self.stdout.write(f"  {name}: {REVERSIBILITIES[kind]}")
        if state.get("verdict") == Reversibility.IRREVERSIBLE:
            raise CommandError("There is no way back behind all of them but a restore point.")
