"""What people are told of an incident."""

from datetime import datetime

from incidents.domain.tiers import Tier, deadline_of
from incidents.models import Incident
from notifications.domain.audience import CREW, DRIVERS
from notifications.transitions import publish


def say_incident(incident: Incident) -> dict[str, object]:
    """Return what a message about an incident needs."""
    deadline = deadline_of(detected_at=incident.detected_at, tier=Tier(incident.highest_tier))
    return {
        "number": incident.pk,
        "tier": incident.tier,
        "title": incident.title,
        "environment": incident.environment.key,
        "deadline": deadline.isoformat(timespec="minutes"),
        "is_rehearsal": incident.is_rehearsal,
    }


def tell_opened(incident: Incident, *, now: datetime) -> None:
    """Tell that an incident is open and its clock runs."""
    _tell(incident, kind="incident_opened", key="opened", now=now)


def tell_raised(incident: Incident, *, now: datetime) -> None:
    """Tell that an incident is graver than before; each tier once."""
    _tell(incident, kind="incident_raised", key=f"raised:{incident.highest_tier}", now=now)


def tell_deadline(incident: Incident, *, percent: int, now: datetime) -> None:
    """Tell how much of an incident's time is used; each share once."""
    _tell(incident, kind="incident_deadline", key=f"warning:{percent}", now=now, percent=percent)


def _tell(incident: Incident, *, kind: str, key: str, now: datetime, **more: object) -> None:
    publish(
        kind=kind,
        data={**say_incident(incident), **more},
        audience=DRIVERS if incident.is_rehearsal else CREW,
        dedupe_key=f"incident:{incident.pk}:{key}",
        now=now,
        url=f"/incidents/{incident.pk}/",
    )
