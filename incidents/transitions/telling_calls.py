"""Tells support that people are to be called back."""

from datetime import datetime

from django.utils import timezone

from flags.models import Environment
from notifications.domain.audience import SUPPORT, Audience
from notifications.queries import map_people_called
from notifications.transitions import publish
from rollouts.support_queries import list_duty


def tell_calls_due(count: int, *, what: str, environment: Environment, key: str, now: datetime) -> bool:
    """Tell who is on duty today, else all of support, how many calls are due; False where that cause was told."""
    names = {shift.name for shift in list_duty(day=timezone.localdate(now))}
    people = frozenset[int]().union(*map_people_called(names).values())
    event = publish(
        kind="calls_due",
        data={"count": count, "title": what, "environment": environment.key},
        audience=Audience(user_ids=people) if people else SUPPORT,
        dedupe_key=f"calls-due:{key}",
        now=now,
        url="/incidents/call-backs/",
    )
    return event is not None
