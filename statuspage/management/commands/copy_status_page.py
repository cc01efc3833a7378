"""Write the static copy of the status page: `manage.py copy_status_page`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import clock
from statuspage.copying import FAULTS, write_copy
from statuspage.settings_queries import find_copy


class Command(BaseCommand):
    requires_system_checks = ()  # `migrate` makes them; here they would take as long as the command
    help = "Write every file of the status page's static copy now, whether it changed or not."

    def handle(self, *args: Any, **options: Any) -> None:
        place = find_copy().place
        try:
            written = write_copy(now=clock.now(), everything=True)
        except FAULTS as fault:
            raise CommandError(f"Not written to {place}: {fault}. Mend that, then run this again.") from None
        if not written:
            raise CommandError(f"Another process writes to {place} now: wait a minute, then run this again.")
        self.stdout.write(f"{written} files written to {place}")
