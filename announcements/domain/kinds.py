"""What is announced: each phase of an event, and what an announcement of it is about."""

from collections.abc import Mapping
from enum import StrEnum

from incidents.domain.lifecycle import RUNNING as INCIDENT_RUNS
from incidents.domain.lifecycle import Status as IncidentStatus
from incidents.domain.words import WordStatus
from rollouts.domain.lifecycle import Status as RolloutStatus


class Kind(StrEnum):
    RELEASE_PLANNED = "release_planned"
    PHASE_BEGINS = "phase_begins"
    ROLLOUT_HELD = "rollout_held"
    ROLLBACK_BEGUN = "rollback_begun"
    ROLLBACK_DONE = "rollback_done"
    INCIDENT_INVESTIGATING = "incident_investigating"
    INCIDENT_IDENTIFIED = "incident_identified"
    INCIDENT_MONITORING = "incident_monitoring"
    INCIDENT_RESOLVED = "incident_resolved"
    MAINTENANCE_PLANNED = "maintenance_planned"
    MAINTENANCE_BEGUN = "maintenance_begun"
    MAINTENANCE_ENDED = "maintenance_ended"
    ALL_CLEAR = "all_clear"
    FREE = "free"


#: These speak of a rollout and need one.
OF_ROLLOUT = frozenset(
    {Kind.RELEASE_PLANNED, Kind.PHASE_BEGINS, Kind.ROLLOUT_HELD, Kind.ROLLBACK_BEGUN, Kind.ROLLBACK_DONE}
)
#: These are public words about an incident, which they need, by what the word says of it.
WORD_STATUSES: Mapping[Kind, WordStatus] = {
    Kind.INCIDENT_INVESTIGATING: WordStatus.INVESTIGATING,
    Kind.INCIDENT_IDENTIFIED: WordStatus.IDENTIFIED,
    Kind.INCIDENT_MONITORING: WordStatus.MONITORING,
    Kind.INCIDENT_RESOLVED: WordStatus.RESOLVED,
}
#: These say from when to when.
OF_WINDOW = frozenset({Kind.MAINTENANCE_PLANNED})

_OF_WORDS = {status: kind for kind, status in WORD_STATUSES.items()}
_OF_ROLLOUTS: Mapping[RolloutStatus, Kind] = {
    RolloutStatus.RUNNING: Kind.PHASE_BEGINS,
    RolloutStatus.PAUSED: Kind.ROLLOUT_HELD,
    RolloutStatus.HELD: Kind.ROLLOUT_HELD,
    RolloutStatus.ROLLED_BACK: Kind.ROLLBACK_DONE,
    RolloutStatus.COMPLETED: Kind.ALL_CLEAR,
}


def suggest_for_rollout(status: RolloutStatus, *, is_taken_back: bool) -> Kind:
    """Return what is most likely to be said of a rollout; `is_taken_back`: something of it was, and it stands still."""
    if is_taken_back and status in {RolloutStatus.HELD, RolloutStatus.PAUSED}:
        return Kind.ROLLBACK_DONE
    return _OF_ROLLOUTS.get(status, Kind.RELEASE_PLANNED)


def suggest_for_incident(status: IncidentStatus, *, last: WordStatus | None) -> Kind:
    """Return what is most likely to be said of an incident, after the last public word."""
    if status not in INCIDENT_RUNS:
        return Kind.INCIDENT_RESOLVED
    if status is IncidentStatus.MITIGATED:
        return Kind.INCIDENT_MONITORING
    return _OF_WORDS[last] if last in _OF_WORDS and last is not WordStatus.RESOLVED else Kind.INCIDENT_INVESTIGATING
