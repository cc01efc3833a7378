"""Due work of recovery."""

from celery import shared_task

from recovery.driving import drive_due


@shared_task
def drive_operations() -> int:
    """Drive the operations that nobody drives; return how many."""
    return drive_due()
