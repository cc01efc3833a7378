"""Break-glass: a flag from a shell, with the history of the UI; the web process may be down."""

import getpass
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import clock
from core.actors import command
from core.errors import InvalidInput
from flags.explaining import compose_context, explain_state, write_explanation
from flags.models import Environment, FlagState
from flags.transitions import kill_flag, switch_on


class Command(BaseCommand):
    help = "Show a flag, switch it on, set its kill switch (off), or explain the value that somebody gets."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["show", "on", "off", "explain"])
        parser.add_argument("key")
        parser.add_argument("--env", required=True, help="the environment's key")
        parser.add_argument("--reason", default="", help="why; required for on and off")
        parser.add_argument("--by", default="", help="who; else the operating-system account")

        parser.add_argument("--who", default="", help="explain: the targeting key")
        parser.add_argument("--site", default="", help="explain: the site's key")
        parser.add_argument("--till", default="", help="explain: the till's id")
        parser.add_argument("--attr", action="append", default=[], metavar="NAME=VALUE", help="explain: an attribute")

    def handle(self, *args: Any, **options: Any) -> None:
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
        if not options["reason"].strip():
            raise CommandError("Say why: --reason TEXT")
        write = switch_on if options["action"] == "on" else kill_flag
        write(
            flag_id=state.flag_id,
            environment_id=state.environment_id,
            actor=command(options["by"] or getpass.getuser()),
            reason=options["reason"],
            now=clock.now(),
        )


def _say_what_is_wrong(key: str, environment: str) -> str:
    keys = list(Environment.objects.values_list("key", flat=True))
    if environment not in keys:
        return f"There is no environment '{environment}': choose {', '.join(keys) or 'none, make one first'}."
    return f"There is no flag '{key}': copy its key from its page."
