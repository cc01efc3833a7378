"""Django's `migrate`, run as the database's owner; history is protected afterwards."""

from typing import Any

from django.conf import settings
from django.core.management.commands.migrate import Command as DjangoCommand

from core.owner import as_owner
from core.protection import protect_history


class Command(DjangoCommand):
    help = "Migrate the database as its owner, then make history append-only for the application's role."

    def handle(self, *args: Any, **options: Any) -> None:
        alias = options["database"]
        if settings.DATABASE_OWNER is None:
            self.stderr.write(
                "One database role does everything: history is kept by triggers alone. "
                "Set DATABASE_OWNER_URL to take the right to change history from the application."
            )
        with as_owner(alias) as connection:
            super().handle(*args, **options)
            if not (options["plan"] or options["check_unapplied"]):
                protect_history(connection)
