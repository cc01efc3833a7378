"""How grave a risk is, and which states it may go through."""

from enum import StrEnum
from typing import Final

LOWEST: Final = 1
HIGHEST: Final = 5
#: Scores from which a risk is medium, and high.
MEDIUM_FROM: Final = 5
HIGH_FROM: Final = 15


class RiskCategory(StrEnum):
    TECHNICAL = "technical"
    INTEGRATION = "integration"
    DEPLOYMENT = "deployment"


class RiskState(StrEnum):
    OPEN = "open"
    MITIGATED = "mitigated"
    ACCEPTED = "accepted"
    CLOSED = "closed"


class RiskLevel(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


EDGES: Final[dict[RiskState, frozenset[RiskState]]] = {
    RiskState.OPEN: frozenset({RiskState.MITIGATED, RiskState.ACCEPTED, RiskState.CLOSED}),
    RiskState.MITIGATED: frozenset({RiskState.OPEN}),
    RiskState.ACCEPTED: frozenset({RiskState.OPEN}),
    RiskState.CLOSED: frozenset({RiskState.OPEN}),
}


def score_of(*, likelihood: int, impact: int) -> int:
    """Return likelihood times impact, each 1 to 5; raises ValueError outside of that."""
    for value in (likelihood, impact):
        if not LOWEST <= value <= HIGHEST:
            raise ValueError(value)
    return likelihood * impact


def raise_likelihood(likelihood: int) -> int:
    """Return the likelihood of a risk that has just come true: one more, at most the highest."""
    return min(likelihood + 1, HIGHEST)


def level_of(*, likelihood: int, impact: int) -> RiskLevel:
    """Return the level of a cell of the matrix: low below `MEDIUM_FROM`, high from `HIGH_FROM` on."""
    score = score_of(likelihood=likelihood, impact=impact)
    if score >= HIGH_FROM:
        return RiskLevel.HIGH
    return RiskLevel.MEDIUM if score >= MEDIUM_FROM else RiskLevel.LOW
