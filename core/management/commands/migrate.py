"""Django's `migrate`, run as the database's owner; history is protected and what every database holds is there
afterwards."""

from contextlib import nullcontext
from typing import Any

from django.conf import settings
from django.core.management.commands.migrate import Command as DjangoCommand
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from core.first_migration import drawing_little, is_empty
from core.installing import install_all
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
            with drawing_little() if is_empty(connection) else nullcontext():
                super().handle(*args, **options)
            if not (options["plan"] or options["check_unapplied"]):
                protect_history(connection)
        if _is_whole(alias):
            install_all()


def _is_whole(alias: str) -> bool:
    """Tell whether no migration is left to do: after `--plan`, or on the way back, there may be."""
    executor = MigrationExecutor(connections[alias])
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())
