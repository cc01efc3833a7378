"""How a part of the service stands, in the words of Statuspage v2."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from incidents.domain.tiers import Tier


class State(StrEnum):
    """Of a component, from the best to the worst."""

    OPERATIONAL = "operational"
    MAINTENANCE = "under_maintenance"
    DEGRADED = "degraded_performance"
    PARTIAL = "partial_outage"
    MAJOR = "major_outage"


class Impact(StrEnum):
    """Of an incident, and of everything together: the indicator."""

    NONE = "none"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


class Said(StrEnum):
    """What the public was told last of an incident."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    POSTMORTEM = "postmortem"


OVER = frozenset({Said.RESOLVED, Said.POSTMORTEM})

BY_TIER: Mapping[Tier, State] = {
    Tier.CRITICAL: State.MAJOR,
    Tier.IMPORTANT: State.PARTIAL,
    Tier.MINOR: State.DEGRADED,
}
IMPACTS: Mapping[Tier, Impact] = {
    Tier.CRITICAL: Impact.CRITICAL,
    Tier.IMPORTANT: Impact.MAJOR,
    Tier.MINOR: Impact.MINOR,
}
_INDICATORS: Mapping[State, Impact] = {
    State.OPERATIONAL: Impact.NONE,
    State.MAINTENANCE: Impact.NONE,
    State.DEGRADED: Impact.MINOR,
    State.PARTIAL: Impact.MAJOR,
    State.MAJOR: Impact.CRITICAL,
}
_WEIGHTS: Mapping[State, int] = {state: weight for weight, state in enumerate(State)}


def find_worst(states: Iterable[State]) -> State:
    """Return the worst of some states; operational where there is none."""
    return max(states, key=lambda state: _WEIGHTS[state], default=State.OPERATIONAL)


def find_milder(left: State, right: State) -> State:
    """Return the milder of two states."""
    return min(left, right, key=lambda state: _WEIGHTS[state])


def state_of(*, tier: Tier, said: Said) -> State:
    """Return what an incident makes of what it touches: by its tier, and milder once its mending is only watched."""
    if said in OVER:
        return State.OPERATIONAL
    return State.DEGRADED if said is Said.MONITORING else BY_TIER[tier]


def find_indicator(states: Iterable[State]) -> Impact:
    """Return the one word for everything: that of the worst component."""
    return _INDICATORS[find_worst(states)]
