"""The RTO clock: from detection to verified restoration, paused never. Pure, in UTC.

What happened to an incident, in the order in which it was written down, gives its clock: the earliest
detection, the highest tier reached, and the last verified restoration that was not taken back.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from incidents.domain.tiers import Tier, deadline_of, higher_tier


class Outcome(StrEnum):
    """How an incident stands against its deadline."""

    IN_TIME = "in_time"
    LATE = "late"
    RUNNING = "running"
    #: It runs, and its time is over: as late as it will be told, whenever it ends.
    OVERDUE = "overdue"


#: Those that count as missed; the others but RUNNING as kept.
MISSED = frozenset({Outcome.LATE, Outcome.OVERDUE})


class Kind(StrEnum):
    """What moves the clock or a mark on it."""

    OPENED = "opened"
    DETECTED_EARLIER = "detected_earlier"
    TIER_CHANGED = "tier_changed"
    ACKNOWLEDGED = "acknowledged"
    MITIGATED = "mitigated"
    RESTORED = "restored"
    REOPENED = "reopened"


@dataclass(frozen=True)
class Happened:
    """One thing that happened; `tier` and `detected_at` where it names them."""

    at: datetime
    kind: Kind
    tier: Tier | None = None
    detected_at: datetime | None = None


@dataclass(frozen=True)
class Life:
    """An incident as its clock sees it."""

    detected_at: datetime
    highest_tier: Tier
    acknowledged_at: datetime | None = None
    mitigated_at: datetime | None = None
    restored_at: datetime | None = None

    @property
    def deadline(self) -> datetime:
        return deadline_of(detected_at=self.detected_at, tier=self.highest_tier)


@dataclass(frozen=True)
class Measured:
    """What the report says of one incident: lengths since detection, None for what has not happened.

    `left` is what remained at restoration, or remains now; negative where it is missed by so much.
    """

    to_acknowledge: timedelta | None
    to_mitigate: timedelta | None
    to_restore: timedelta | None
    left: timedelta
    outcome: Outcome


def measure(life: Life, *, now: datetime) -> Measured:
    """Return an incident's times. What is restored does no harm any more: it counts as mitigated by then."""
    end = life.restored_at or now
    left = life.deadline - end
    if life.restored_at is None:
        outcome = Outcome.OVERDUE if left < timedelta() else Outcome.RUNNING
    else:
        outcome = Outcome.LATE if left < timedelta() else Outcome.IN_TIME
    return Measured(
        to_acknowledge=_since(life.detected_at, life.acknowledged_at),
        to_mitigate=_since(life.detected_at, life.mitigated_at or life.restored_at),
        to_restore=_since(life.detected_at, life.restored_at),
        left=left,
        outcome=outcome,
    )


def replay(happened: Iterable[Happened]) -> Iterator[tuple[Happened, Life]]:
    """Return each thing that happened with the clock as it stood then; the first one opens the incident."""
    life: Life | None = None
    for one in happened:
        life = _begin(one) if life is None else _go_on(life, one)
        yield one, life


def _begin(opened: Happened) -> Life:
    if opened.tier is None:
        raise ValueError("what opens an incident names its tier")
    return Life(detected_at=opened.detected_at or opened.at, highest_tier=opened.tier)


def _go_on(life: Life, one: Happened) -> Life:
    if one.detected_at is not None:
        life = replace(life, detected_at=min(life.detected_at, one.detected_at))
    if one.tier is not None:
        life = replace(life, highest_tier=higher_tier(life.highest_tier, one.tier))
    match one.kind:
        case Kind.ACKNOWLEDGED:
            return replace(life, acknowledged_at=life.acknowledged_at or one.at)
        case Kind.MITIGATED:
            return replace(life, mitigated_at=one.at)
        case Kind.RESTORED:
            return replace(life, restored_at=one.at)
        case Kind.REOPENED:
            return replace(life, mitigated_at=None, restored_at=None)
        case _:
            return life


def _since(detected_at: datetime, at: datetime | None) -> timedelta | None:
    return None if at is None else at - detected_at
