"""`manage.py load_demo`: the demo into an empty database, and its secrets into DATA_DIR/demo.json."""

from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.db import transaction

from core import clock
from releaseportal.demo.loader import DemoError, load_demo
from releaseportal.embedded.faults import EmbeddedError
from releaseportal.embedded.keys import prepare_data_dir, write_private_json
from releaseportal.embedded.portalfile import DEMO_FILE


class Command(BaseCommand):
    requires_system_checks = ()  # `migrate` makes them; here they would take as long as the command
    help = "Load the demo into an empty database; its accounts and tokens go to DATA_DIR/demo.json."

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.DATA_DIR / DEMO_FILE
        try:
            prepare_data_dir(settings.DATA_DIR)
            # The file within the transaction: a demo whose passwords nobody has is of no use.
            with transaction.atomic():
                write_private_json(path, load_demo(now=clock.now()))
        except (DemoError, EmbeddedError) as fault:
            raise CommandError(str(fault)) from None
        except OSError as fault:
            raise CommandError(f"Cannot write {path} ({fault.strerror}): set DATA_DIR to a folder you own.") from None
        self.stdout.write(f"The demo is loaded; its accounts and tokens are in {path}.")
