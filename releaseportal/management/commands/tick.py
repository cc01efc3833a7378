"""`manage.py tick`: the portal's due work without Celery."""

import logging
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.db import connection

from core.program import manage
from releaseportal.celery import app
from releaseportal.schedule import SCHEDULE

log = logging.getLogger(__name__)


class Command(BaseCommand):
    requires_system_checks = ()  # `migrate` makes them; here they would take as long as the command
    help = "Do once, in the foreground, everything beat would do."

    def handle(self, *args: Any, **options: Any) -> None:
        # Without a database or its tables every task would fail alike: one line says why.
        if "django_migrations" not in connection.introspection.table_names():
            raise CommandError(f"The database lacks its tables: run `{manage('migrate')}`.")
        app.loader.import_default_modules()
        failed = [row.task for row in SCHEDULE if not self._run(row.task)]
        if failed:
            raise CommandError(f"{len(failed)} of {len(SCHEDULE)} tasks failed: {', '.join(failed)}. The log says why.")

    def _run(self, name: str) -> bool:
        """Run one task; a fault in one must not keep the others from their work."""
        task = app.tasks.get(name)
        if task is None:
            self.stderr.write(f"{name}: unknown task")
            return False
        try:
            task()
        except Exception as fault:
            log.info("task %s failed", name, exc_info=True)
            self.stderr.write(f"{name}: {type(fault).__name__}: {' '.join(str(fault).split())}")
            return False
        self.stdout.write(f"{name}: done")
        return True
