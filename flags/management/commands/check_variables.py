"""Checks the variables that stand above flags; `manage.py up` asks before it starts anything."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.errors import InvalidInput
from core.labels import say_refusal
from flags.overrides import check_variables


class Command(BaseCommand):
    requires_system_checks = ()  # `migrate` makes them; here they would take as long as the command
    help = "Check that each FLAG__ variable names one flag and says on, off or a variant of it."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            check_variables()
        except InvalidInput as refusal:
            raise CommandError(say_refusal(refusal)) from None
