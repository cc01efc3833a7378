"""Beat's scheduler: sends the rows of `releaseportal.schedule` at their periods."""

from typing import Any

from celery.beat import Scheduler


class TableScheduler(Scheduler):
    """Celery's own, for a table that stands while beat runs: comparing it at each tick was a third of beat's work."""

    def schedules_equal(self, old_schedules: Any, new_schedules: Any) -> bool:
        """Tell that the table is as it was at the last tick: only a new start changes it."""
        return True
