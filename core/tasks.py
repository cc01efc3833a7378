"""Core's due work."""

from celery import shared_task

from core import chain, clock


@shared_task
def seal_history() -> None:
    """Seal the history rows written since the last call."""
    chain.seal_history(now=clock.now())
