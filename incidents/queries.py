"""Reads of incidents."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from incidents.domain.lifecycle import Status
from incidents.domain.tiers import Tier, deadline_of, used_bp
from incidents.models import Incident

RUNNING = (Status.OPEN, Status.MITIGATED)


@dataclass(frozen=True)
class Clock:
    """The RTO clock at a moment: `used_bp` in basis points, `left` negative where it is missed."""

    deadline: datetime
    used_bp: int
    left: timedelta
    is_running: bool

    @property
    def is_missed(self) -> bool:
        return self.left < timedelta()


def read_clock(incident: Incident, *, now: datetime) -> Clock:
    """Return the clock: it starts at detection and stops at verified restoration."""
    tier = Tier(incident.highest_tier)
    end = incident.restored_at or now
    deadline = deadline_of(detected_at=incident.detected_at, tier=tier)
    return Clock(
        deadline=deadline,
        used_bp=used_bp(detected_at=incident.detected_at, tier=tier, now=end),
        left=deadline - end,
        is_running=incident.restored_at is None,
    )


def list_incidents(*, environment_key: str | None = None) -> QuerySet[Incident]:
    """Return incidents, newest first."""
    rows = Incident.objects.select_related("environment", "commander").order_by("-pk")
    return rows if environment_key is None else rows.filter(environment__key=environment_key)


def open_incidents(*, environment_key: str | None = None) -> QuerySet[Incident]:
    """Return the incidents whose clock runs."""
    return list_incidents(environment_key=environment_key).filter(status__in=RUNNING)


def with_clocks(incidents: Iterable[Incident], *, now: datetime) -> list[tuple[Incident, Clock]]:
    """Return each incident with its clock."""
    return [(incident, read_clock(incident, now=now)) for incident in incidents]
