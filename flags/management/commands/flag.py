"""Flags from a shell, with the history of the UI: break-glass while the web process is down, and files."""

import getpass
import json
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import clock
from core.actors import command
from core.errors import InvalidInput
from core.filing import DRY_RUN, add_import, end_import, read_source, say_changes
from flags.explaining import compose_context, explain_state, write_explanation
from flags.flag_files import export_flags
from flags.import_queries import FlagChange
from flags.models import Environment, FlagState
from flags.transitions import kill_flag, switch_on
from flags.transitions.importing import import_flags

#: What is done to one flag in one environment.
ACTIONS = {
    "show": "say whether it is on",
    "on": "lift the kill switch and switch it on",
    "off": "set its kill switch",
    "explain": "say why somebody gets a value",
}


class Command(BaseCommand):
    requires_system_checks = ()  # `migrate` makes them; here they would take as long as the command
    help = "Show a flag, switch it on, set its kill switch (off), explain a value; export flags as YAML or import them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        for name, told in ACTIONS.items():
            one = actions.add_parser(name, help=told)
            one.add_argument("key")
            one.add_argument("--env", required=True, help="the environment's key")
            _add_why(one)
            one.add_argument("--who", default="", help="explain: the targeting key")
            one.add_argument("--site", default="", help="explain: the site's key")
            one.add_argument("--till", default="", help="explain: the till's id")
            one.add_argument("--attr", action="append", default=[], metavar="NAME=VALUE", help="explain: an attribute")
        exporting = actions.add_parser("export", help="print flags as one file")
        exporting.add_argument("keys", nargs="*", metavar="KEY", help="only these; else all in use")
        importing = actions.add_parser("import", help="make or change the flags of a file: all of them or none")
        add_import(importing, what="flags")
        _add_why(importing)
        for one in (exporting, importing):
            one.add_argument("--env", action="append", default=[], metavar="KEY", help="its rules; may be repeated")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "export":
            self.stdout.write(export_flags(options["keys"], environment_keys=options["env"]), ending="")
        elif options["action"] == "import":
            self._import(options)
        else:
            self._act(options)

    def _import(self, options: dict[str, Any]) -> None:
        is_dry_run = options["dry_run"]
        _check_why(options, is_needed=not is_dry_run)
        done = import_flags(
            source=read_source(options["file"]),
            environment_keys=options["env"],
            actor=command(options["by"] or getpass.getuser()),
            reason=DRY_RUN if is_dry_run else options["reason"],
            now=clock.now(),
            is_dry_run=is_dry_run,
        )
        say_changes(done.changes, self.stdout, more=_say_reach)
        end_import(done, self.stdout, is_dry_run=is_dry_run)

    def _act(self, options: dict[str, Any]) -> None:
        key, environment, action = options["key"], options["env"], options["action"]
        state = FlagState.objects.select_related("flag").filter(flag__key=key, environment__key=environment).first()
        if state is None:
            raise CommandError(_say_what_is_wrong(key, environment))
        if action == "explain":
            self._explain(state, options)
            return
        if action != "show":
            self._switch(state, options)
            state.refresh_from_db()
        word = "off (kill switch)" if state.is_killed else "on" if state.is_on else "off"
        self.stdout.write(f"{key} in {environment}: {word}{', archived' if state.flag.archived_at else ''}")

    def _explain(self, state: FlagState, options: dict[str, Any]) -> None:
        names = ("who", "site", "till")
        try:
            context = compose_context(attributes=options["attr"], **{name: options[name] for name in names})
        except InvalidInput as refusal:
            raise CommandError(f"'{refusal.data['text']}' is not an attribute: write --attr NAME=VALUE.") from None
        told = write_explanation(explain_state(state, context))
        about: dict[str, Any] = {"environment": options["env"]}
        if state.flag.archived_at is not None:
            about["is_archived"] = True
        self.stdout.write(json.dumps(told | about | {"context": context}, indent=2))

    def _switch(self, state: FlagState, options: dict[str, Any]) -> None:
        _check_why(options, is_needed=True)
        write = switch_on if options["action"] == "on" else kill_flag
        write(
            flag_id=state.flag_id,
            environment_id=state.environment_id,
            actor=command(options["by"] or getpass.getuser()),
            reason=options["reason"],
            now=clock.now(),
        )


def _add_why(parser: ArgumentParser) -> None:
    parser.add_argument("--reason", default="", help="why; required for every change")
    parser.add_argument("--by", default="", help="who; else the operating-system account")


def _check_why(options: dict[str, Any], *, is_needed: bool) -> None:
    if is_needed and not options["reason"].strip():
        raise CommandError("Say why: --reason TEXT")


def _say_reach(change: FlagChange) -> Iterator[str]:
    """Yield what a change does to people, by environment."""
    for reach in change.reaches:
        place = f"in {reach.environment_key}"
        if reach.override:
            yield f"{place}: {reach.override.variable} stands above"
        if reach.is_killed:
            yield f"{place}: the kill switch stands and stays; this waits until somebody lifts it"
        if reach.moves is None:
            yield f"{place}: not counted whom it changes"
        for move in reach.moves or ():
            yield f"{place}: {move.before} becomes {move.after} for {move.tills} tills, {move.people} named people"
        for name in reach.unknown:
            yield f"{place}: only a till that asks tells '{name}'"


def _say_what_is_wrong(key: str, environment: str) -> str:
    keys = list(Environment.objects.values_list("key", flat=True))
    if environment not in keys:
        return f"There is no environment '{environment}': choose {', '.join(keys) or 'none, make one first'}."
    return f"There is no flag '{key}': copy its key from its page."
