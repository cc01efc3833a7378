"""Make the first admin of an installation."""

import getpass
import secrets
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from core import clock
from core.actors import command
from core.people import create_person
from core.roles import Role


class Command(BaseCommand):
    requires_system_checks = ()  # `migrate` makes them; here they would take as long as the command
    help = "Create an admin account and print its password, once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--username", required=True)
        parser.add_argument("--email", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        password = secrets.token_urlsafe(18)
        person = create_person(
            username=options["username"],
            email=options["email"],
            roles=[Role.ADMIN],
            password=password,
            actor=command(getpass.getuser()),
            reason="First admin, made from the shell",
            now=clock.now(),
        )
        self.stdout.write(f"{person.username} may sign in with the password {password}")
