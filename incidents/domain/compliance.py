"""What the report says of many incidents: how many were restored in time, and how long it took. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from incidents.domain.tiers import Tier

WHOLE_BP = 10_000


@dataclass(frozen=True)
class Times:
    """How long something took: of `number` incidents that it happened to; None where there is none."""

    number: int = 0
    mean: timedelta | None = None
    median: timedelta | None = None
    p90: timedelta | None = None


@dataclass(frozen=True)
class Tally:
    """Incidents counted by their outcome. `overdue` runs past its deadline: missed already; `running` is open yet."""

    in_time: int = 0
    late: int = 0
    overdue: int = 0
    running: int = 0
    acknowledge: Times = Times()
    mitigate: Times = Times()
    restore: Times = Times()

    @property
    def number(self) -> int:
        return self.in_time + self.missed + self.running

    @property
    def missed(self) -> int:
        return self.late + self.overdue

    @property
    def share_bp(self) -> int | None:
        """The share in time of those that are decided, rounded down: 100 % says that none was missed."""
        decided = self.in_time + self.missed
        return self.in_time * WHOLE_BP // decided if decided else None


@dataclass(frozen=True)
class Line:
    """The tally of a month, a tier, a site, or of a cell of all three; None where it is not told apart by it.

    A site's key is empty where an incident names none.
    """

    tally: Tally
    month: date | None = None
    tier: Tier | None = None
    site: str | None = None


@dataclass(frozen=True)
class Part:
    """One half of the report: real incidents, or rehearsals. Months run without a gap, oldest first."""

    total: Tally = Tally()
    months: Sequence[Line] = ()
    tiers: Sequence[Line] = ()
    sites: Sequence[Line] = ()


@dataclass(frozen=True)
class Report:
    """The report of a stretch of whole months `[since, until)`; what is a rehearsal is never mixed in."""

    since: date
    until: date
    made_at: datetime
    real: Part = field(default_factory=Part)
    rehearsed: Part = field(default_factory=Part)
