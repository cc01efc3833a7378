"""Takes a target back from a shell, step by step before one's eyes; works with web, broker and workers down."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import clock
from core.shell import add_why, check_readable, read_why
from recovery.domain.lifecycle import UNFINISHED
from recovery.models import Operation
from recovery.queries import find_newest_point, get_operation, get_target
from recovery.shell import describe, follow
from recovery.transitions.asking import abort_operation, leave_operation, resume_operation
from recovery.transitions.wishes import find_previous_image, roll_back


class Command(BaseCommand):
    requires_system_checks = ()  # `migrate` makes them; here they would take as long as the command
    help = "Take a target back to an earlier image, its database to a restore point, or both."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        starting = actions.add_parser("start", help="begin, and follow it to its end")
        starting.add_argument("target", help="the target's key")
        starting.add_argument("--application", action="store_true", help="to the image before the newest deployment")
        points = starting.add_mutually_exclusive_group()
        points.add_argument("--point", type=int, help="the database, to this restore point")
        points.add_argument("--newest-point", action="store_true", help="the database, to the newest verified one")
        points.add_argument(
            "--reverse", action="store_true", help="back behind the release's migrations instead, keeping what was sold"
        )
        starting.add_argument("--accept-losses", action="store_true", help="do not wait for a word on what is lost")
        add_why(starting)
        status = actions.add_parser("status", help="an operation's steps; without a number, what is under way")
        status.add_argument("id", type=int, nargs="?")
        resuming = actions.add_parser("resume", help="go on after a failure, or after the count of what is lost")
        resuming.add_argument("id", type=int)
        resuming.add_argument("--accept-losses", action="store_true", help="what was counted may be lost")
        add_why(resuming)
        aborting = actions.add_parser("abort", help="give it up: what it changed is put back")
        aborting.add_argument("id", type=int)
        add_why(aborting)
        leaving = actions.add_parser("leave", help="end as it stands one that failed where nothing can be put back")
        leaving.add_argument("id", type=int)
        add_why(leaving)

    def handle(self, *args: Any, **options: Any) -> None:
        check_readable(options)
        getattr(self, f"_{options['action']}")(options)

    def _start(self, options: dict[str, Any]) -> None:
        why, target = read_why(options), get_target(options["target"])
        point_id = options["point"]
        if options["newest_point"]:
            newest = find_newest_point(target)
            if newest is None:
                raise CommandError(f"{target.key} has no verified restore point.")
            point_id = newest.pk
        operation = roll_back(
            target=target,
            with_application=options["application"],
            point_id=point_id,
            accepts_losses=options["accept_losses"],
            reverses=options["reverse"],
            now=clock.now(),
            **why,
        )
        if options["application"]:
            self.stdout.write(f"Back to {find_previous_image(target)}")
        follow(operation.pk, out=self.stdout)

    def _status(self, options: dict[str, Any]) -> None:
        if options["id"] is not None:
            numbers = [options["id"]]
        else:
            running = Operation.objects.filter(status__in=[str(s) for s in UNFINISHED])
            numbers = list(running.values_list("pk", flat=True))
        for number in numbers:
            for line in describe(get_operation(number)):
                self.stdout.write(line)
        if not numbers:
            self.stdout.write("Nothing is under way.")

    def _resume(self, options: dict[str, Any]) -> None:
        accepts = bool(options["accept_losses"])
        resume_operation(
            operation_id=get_operation(options["id"]).pk, accepts=accepts, now=clock.now(), **read_why(options)
        )
        follow(options["id"], out=self.stdout)

    def _abort(self, options: dict[str, Any]) -> None:
        abort_operation(operation_id=get_operation(options["id"]).pk, now=clock.now(), **read_why(options))
        follow(options["id"], out=self.stdout)

    def _leave(self, options: dict[str, Any]) -> None:
        operation = leave_operation(operation_id=get_operation(options["id"]).pk, now=clock.now(), **read_why(options))
        for line in describe(get_operation(operation.pk)):
            self.stdout.write(line)
