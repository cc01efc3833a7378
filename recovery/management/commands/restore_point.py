"""Restore points from a shell: taken, listed, read again."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.template.defaultfilters import filesizeformat

from core import clock
from core.shell import add_why, check_readable, read_why
from recovery.queries import get_target, list_points
from recovery.shell import follow
from recovery.transitions.wishes import take_point, verify_point


class Command(BaseCommand):
    requires_system_checks = ()  # `migrate` makes them; here they would take as long as the command
    help = "Take, list or check restore points of a target's database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        taking = actions.add_parser("take", help="dump, read to the last byte, store")
        taking.add_argument("target", help="the target's key")
        taking.add_argument("--label", default="")
        add_why(taking)
        actions.add_parser("list", help="newest first").add_argument("target", help="the target's key")
        checking = actions.add_parser("verify", help="read a stored one again, to its last byte")
        checking.add_argument("target", help="the target's key")
        checking.add_argument("point", type=int, help="the restore point's number")
        add_why(checking)

    def handle(self, *args: Any, **options: Any) -> None:
        check_readable(options)
        target = get_target(options["target"])
        if options["action"] == "list":
            for point in list_points(target):
                size, taken = filesizeformat(point.size_bytes), f"{point.taken_at:%Y-%m-%d %H:%M} UTC"
                said = " ".join(filter(None, [point.version, point.label, "kept" if point.is_kept else ""]))
                self.stdout.write(f"{point.pk}  {taken}  {point.status}  {size}  {said}".rstrip())
            return
        if options["action"] == "take":
            operation = take_point(target=target, label=options["label"], now=clock.now(), **read_why(options))
        else:
            operation = verify_point(target=target, point_id=options["point"], now=clock.now(), **read_why(options))
        follow(operation.pk, out=self.stdout)
