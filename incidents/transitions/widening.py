"""A running incident turns out to be more than was known: graver, earlier, wider, and never less."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.actors import Actor
from core.history import recorded
from incidents.domain.tiers import Tier, higher_tier
from incidents.models import Incident
from incidents.transitions.locking import add_entry
from incidents.transitions.telling import tell_raised
from recovery.models import Operation
from rollouts.models import Rollback


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a source says of an incident. A rollback and an operation count where the incident has none."""

    tier: Tier
    detected_at: datetime
    flag_keys: Sequence[str] = ()
    site_keys: Sequence[str] = ()
    rollback: Rollback | None = None
    operation: Operation | None = None


def widen_incident(incident: Incident, finding: Finding, *, actor: Actor, reason: str, now: datetime) -> None:
    """Add to a locked incident what was found: the earlier start and the graver tier count, and people are told."""
    reached, began = incident.highest_tier, incident.detected_at
    with recorded(actor=actor, reason=reason, now=now):
        incident.flag_keys = _unite(incident.flag_keys, finding.flag_keys)
        incident.site_keys = _unite(incident.site_keys, finding.site_keys)
        incident.tier = higher_tier(Tier(incident.tier), finding.tier)
        incident.highest_tier = higher_tier(Tier(reached), finding.tier)
        incident.detected_at = min(began, finding.detected_at)
        incident.rollback = incident.rollback or finding.rollback
        incident.operation = incident.operation or finding.operation
        incident.save()
    if incident.detected_at != began:
        moved = {"detected_at": incident.detected_at.isoformat()}
        add_entry(incident, code="detected_earlier", actor=actor, now=now, data=moved)
    if incident.highest_tier != reached:
        add_entry(incident, code="tier_changed", actor=actor, now=now, data={"tier": str(incident.tier)})
        tell_raised(incident, now=now)


def _unite(old: Sequence[str], new: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([*old, *new]))
