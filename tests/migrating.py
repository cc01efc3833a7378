"""Takes a test's database back to a migration, and forward again.

It draws as little as a first migration does: such tests are about our own operations, and Django's way of drawing all
models anew at each of them takes minutes.
"""

from django.core.management import call_command

from core.first_migration import drawing_little


def migrate_to(*target: str) -> None:
    """Migrate to an app's migration, to the newest ones without any."""
    with drawing_little():
        call_command("migrate", *target, verbosity=0)
