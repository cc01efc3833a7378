"""Django's `flush`, run as the database's owner; leaves what a migrated database holds: roles, built-in rows."""

from typing import Any

from django.core.management.commands.flush import Command as DjangoCommand

from core.installing import install_all
from core.owner import as_owner
from core.people import make_groups


class Command(DjangoCommand):
    help = "Empty every table as the database's owner; history goes with it."

    def handle(self, **options: Any) -> None:
        with as_owner(options["database"]) as connection:
            super().handle(**options)
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM core_cache")
            make_groups(using=options["database"])
        install_all()
