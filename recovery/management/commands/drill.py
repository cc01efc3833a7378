"""Drills from a shell: begun and followed, listed, and their reports."""

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import clock
from core.shell import add_why, check_readable, read_why
from flags.models import Environment
from recovery.domain.lifecycle import DrillStatus
from recovery.drill_queries import get_drill, list_environment_drills, list_in_the_way
from recovery.drill_report import write_json, write_markdown
from recovery.drilling.driving import drive_drill
from recovery.driving import drive
from recovery.models import Drill
from recovery.transitions.drilling import begin_drill

PAUSE_SECONDS = 0.5


class Command(BaseCommand):
    requires_system_checks = ()  # `migrate` makes them; here they would take as long as the command
    help = "Try how an environment goes back: its flags, its databases, its application. Nobody's till notices."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        starting = actions.add_parser("start", help="begin one, follow it to its end, print its report")
        starting.add_argument("environment", help="the environment's key")
        add_why(starting)
        actions.add_parser("status", help="the last drill of each environment")
        reporting = actions.add_parser("report", help="print a drill's report")
        reporting.add_argument("id", type=int)
        reporting.add_argument("--format", choices=["md", "json"], default="md")

    def handle(self, *args: Any, **options: Any) -> None:
        check_readable(options)
        getattr(self, f"_{options['action']}")(options)

    def _start(self, options: dict[str, Any]) -> None:
        environment = Environment.objects.filter(key=options["environment"]).first()
        if environment is None:
            raise CommandError(f"There is no environment {options['environment']}.")
        drill = begin_drill(environment=environment, now=clock.now(), **read_why(options))
        self.stdout.write(f"EXERCISE: drill {drill.pk} of {environment.key}")
        told: set[int] = set()
        while get_drill(drill.pk).status == DrillStatus.RUNNING:
            drive_drill(drill.pk)
            for operation in get_drill(drill.pk).operations.all():
                drive(operation.pk)
            self._tell_what_is_in_the_way(drill, told)
            time.sleep(PAUSE_SECONDS)
        ended = get_drill(drill.pk)
        self.stdout.write(write_markdown(ended))
        if ended.status != DrillStatus.PASSED:
            raise CommandError("It is not good enough: see above.")

    def _tell_what_is_in_the_way(self, drill: Drill, told: set[int]) -> None:
        for operation in list_in_the_way(drill):
            if operation.pk not in told:
                told.add(operation.pk)
                what = f"operation {operation.pk} on {operation.target.key} ({operation.kind}, {operation.status})"
                self.stdout.write(f"It waits for {what}; after half an hour it ends without that target.")

    def _status(self, options: dict[str, Any]) -> None:
        for row in list_environment_drills(now=clock.now()):
            last = row.last
            told = f"{last.status}, {last.asked_at:%Y-%m-%d}, drill {last.pk}" if last else "never"
            missed = f" — none passed in {row.missed:%Y-%m}" if row.missed else ""
            self.stdout.write(f"{row.environment.key}: {told}{missed}")

    def _report(self, options: dict[str, Any]) -> None:
        drill = get_drill(options["id"])
        text = json.dumps(write_json(drill), indent=2) if options["format"] == "json" else write_markdown(drill)
        self.stdout.write(text)
