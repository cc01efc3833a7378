"""Makes incidents of rollouts' events: each event once, whoever comes first.

An event and what is made of it are one transaction; a fault in one event leaves it for the next
round and stops no other. The clock starts at detection, so a delay here costs no truth.
"""

from datetime import datetime

from django.db import transaction

from core.actors import INTAKE
from flags.models import Criticality
from incidents.domain.tiers import Tier
from incidents.models import Incident, IntakeClaim
from incidents.transitions import add_entry, declare_incident
from rollouts.models import Rollback, RolloutEvent

KINDS = ("flag_rolled_back", "rolled_back", "complaint_limit_reached")
_TIER = {
    Criticality.CRITICAL: Tier.CRITICAL,
    Criticality.IMPORTANT: Tier.IMPORTANT,
    Criticality.MINOR: Tier.MINOR,
}


def list_waiting(*, limit: int) -> list[int]:
    """Return the events that nobody has dealt with, oldest first."""
    rows = RolloutEvent.objects.filter(kind__in=KINDS, intake_claim=None).order_by("pk")
    return list(rows.values_list("pk", flat=True)[:limit])


@transaction.atomic
def take_in(event_id: int, *, now: datetime) -> Incident | None:
    """Deal with one event; None where another worker has it."""
    event = RolloutEvent.objects.select_related("rollout__environment", "rollout__release").get(pk=event_id)
    # The claim's primary key decides: a second worker waits here and then finds it taken. The event
    # itself cannot be locked, since the application has no right to update an append-only table.
    _claim, is_new = IntakeClaim.objects.get_or_create(event=event, defaults={"claimed_at": now})
    if not is_new:
        return None
    return _open(event, now=now)


def _open(event: RolloutEvent, *, now: datetime) -> Incident:
    data = event.data
    rollback = Rollback.objects.filter(pk=data.get("rollback_id")).first()
    flags = [str(key) for key in data.get("flags", [])]
    what = ", ".join(flags) if flags else event.rollout.release.version
    title = f"{what}: {'complaints' if rollback is None else 'rolled back'} ({event.rollout.environment.key})"
    incident = declare_incident(
        title=title,
        tier=_TIER[Criticality(data.get("criticality", Criticality.IMPORTANT))],
        environment=event.rollout.environment,
        detected_at=min(datetime.fromisoformat(data["detected_at"]), now),
        actor=INTAKE,
        reason=event.reason,
        now=now,
        rollout=event.rollout,
        rollback=rollback,
        flag_keys=flags,
        site_keys=[str(key) for key in data.get("sites", [])],
        is_rehearsal=bool(data.get("is_rehearsal")),
    )
    add_entry(incident, code=event.kind, actor=INTAKE, now=event.at, note=event.reason, data=data)
    return incident
