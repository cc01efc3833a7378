"""Plan templates from a shell: written to a file, and read from one."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from core import clock
from core.filing import DRY_RUN, add_import, end_import, read_source, say_changes
from core.shell import add_why, check_readable, read_actor, read_why
from rollouts.template_files import export_templates
from rollouts.transitions.importing import import_templates


class Command(BaseCommand):
    requires_system_checks = ()  # `migrate` makes them; here they would take as long as the command
    help = "Export plan templates as YAML, or import them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        exporting = actions.add_parser("export", help="print templates as one file")
        exporting.add_argument("key", nargs="*", metavar="KEY", help="only these; else all in use")
        importing = actions.add_parser("import", help="make or change the templates of a file: all of them or none")
        add_import(importing, what="plan templates")
        add_why(importing)

    def handle(self, *args: Any, **options: Any) -> None:
        check_readable(options)
        if options["action"] == "export":
            self.stdout.write(export_templates(options["key"]), ending="")
            return
        is_dry_run = options["dry_run"]
        why = {"actor": read_actor(options), "reason": DRY_RUN} if is_dry_run else read_why(options)
        source = read_source(options["file"])
        done = import_templates(source=source, now=clock.now(), is_dry_run=is_dry_run, **why)
        say_changes(done.changes, self.stdout, more=lambda _change: iter(()))
        end_import(done, self.stdout, is_dry_run=is_dry_run)
