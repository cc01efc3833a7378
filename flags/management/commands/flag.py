"""Break-glass: a flag from a shell, with the history of the UI; the web process may be down."""

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import clock
from core.actors import command
from flags.models import Environment, FlagState
from flags.transitions import kill_flag, switch_on


class Command(BaseCommand):
    help = "Show a flag, switch it on, or set its kill switch (off)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["show", "on", "off"])
        parser.add_argument("key")
        parser.add_argument("--env", required=True, help="the environment's key")
        parser.add_argument("--reason", default="", help="why; required for on and off")
        parser.add_argument("--by", default="", help="who; else the operating-system account")

    def handle(self, *args: Any, **options: Any) -> None:
        key, environment, action = options["key"], options["env"], options["action"]
        state = FlagState.objects.select_related("flag").filter(flag__key=key, environment__key=environment).first()
        if state is None:
            raise CommandError(_say_what_is_wrong(key, environment))
        if action != "show":
            self._switch(state, options)
            state.refresh_from_db()
        word = "off (kill switch)" if state.is_killed else "on" if state.is_on else "off"
        self.stdout.write(f"{key} in {environment}: {word}")

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
