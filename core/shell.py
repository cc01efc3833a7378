"""What commands share: who acts and why, in words that can be stored."""

import getpass
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError

from core.actors import Actor, command
from core.errors import InvalidInput


def add_why(parser: ArgumentParser) -> None:
    """Add what every write takes."""
    parser.add_argument("--reason", default="", help="why; history keeps it")
    parser.add_argument("--by", default="", help="who; else the operating-system account")


def read_why(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return actor and reason as transitions take them; refuse to go on without a reason."""
    if not options["reason"].strip():
        raise CommandError("Say why: --reason TEXT")
    return {"actor": read_actor(options), "reason": options["reason"]}


def read_actor(options: Mapping[str, Any]) -> Actor:
    """Return who acts: the one named, else the operating-system account."""
    return command(options["by"] or getpass.getuser())


def check_readable(options: Mapping[str, Any]) -> None:
    """Refuse words that are no text in the shell's encoding: nothing could store them."""
    for value in options.values():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str) and any("\ud800" <= letter <= "\udfff" for letter in one):
                raise InvalidInput("input_unreadable")
