"""What happens next, everywhere: the moments of the coming days, by day, as somebody would hang them on a wall."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Min
from django.utils import timezone

from rollouts.models.steps import say_whom
from rollouts.queries import list_steps_due_within

SPAN = timedelta(hours=48)


@dataclass(frozen=True)
class AgendaLine:
    """Steps that go together: of which rollout, when, for whom, which flags, and whom to ring."""

    rollout_id: int
    release: str
    environment: str
    is_production: bool
    phase_kind: str
    due_at: datetime
    whom: str
    phone: str
    time_zone: str
    flags: Sequence[str]


@dataclass(frozen=True)
class AgendaDay:
    day: date
    lines: Sequence[AgendaLine]


def list_agenda(*, now: datetime) -> list[AgendaDay]:
    """Return the moments of real rollouts that are due in [now, now + 48 h), by day of the portal's zone: one query."""
    steps = list_steps_due_within(now=now, span=SPAN).select_related(None).order_by()
    groups = steps.values(
        *("rollout", "rollout__release__version", "rollout__environment__key", "rollout__environment__is_production"),
        *("phase__kind", "due_at", "segment__name", "site__name", "site__phone", "site__time_zone", "share_bp"),
    )
    rows = groups.annotate(place=Min("position"), flags=ArrayAgg("flag__name", order_by="position"))
    lines = [
        AgendaLine(
            rollout_id=row["rollout"],
            release=row["rollout__release__version"],
            environment=row["rollout__environment__key"],
            is_production=row["rollout__environment__is_production"],
            phase_kind=row["phase__kind"],
            due_at=row["due_at"],
            whom=say_whom(row["segment__name"] or row["site__name"], row["share_bp"]),
            phone=row["site__phone"] or "",
            time_zone=row["site__time_zone"] or "",
            flags=row["flags"],
        )
        for row in rows.order_by("due_at", "rollout", "place")
    ]
    days = groupby(lines, key=lambda line: timezone.localtime(line.due_at).date())
    return [AgendaDay(day, list(group)) for day, group in days]
