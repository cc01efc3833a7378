"""Who is told how much of an incident's time is used, and when again. Pure."""

from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.roles import Role
from incidents.domain.tiers import WARNINGS, Tier, deadline_of, due_warnings
from notifications.domain.audience import DRIVERS, Audience

#: Hours past the deadline at which a clock that still runs is told again; then it is on the dashboard alone.
OVERDUE_HOURS = (1, 2, 4, 8, *range(24, 7 * 24 + 1, 24))
MISSED_PERCENT = WARNINGS[-1]
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, order=True)
class DueWarning:
    """A share of the time used, in percent; past the deadline also the hours since."""

    percent: int
    overdue_hours: int = 0


def list_due(*, detected_at: datetime, tier: Tier, now: datetime) -> list[DueWarning]:
    """Return every warning that is due by now, the least first."""
    due = [DueWarning(percent) for percent in due_warnings(detected_at=detected_at, tier=tier, now=now)]
    over = now - deadline_of(detected_at=detected_at, tier=tier)
    return due + [DueWarning(MISSED_PERCENT, hours) for hours in OVERDUE_HOURS if over >= hours * _HOUR]


def choose(due: Iterable[DueWarning], *, given: Set[DueWarning]) -> DueWarning | None:
    """Return the highest of those that were not given, None where there is none: after an outage one and not three."""
    return max((one for one in due if one not in given), default=None)


def list_told(percent: int, *, commander_id: int | None, is_rehearsal: bool) -> Audience:
    """Return who is told: at 50 % the commander (release managers where there is none), at 80 % all who
    drive and answer the phone, at 100 % also those who run the installation. A rehearsal reaches drivers alone.
    """
    if is_rehearsal:
        return DRIVERS
    commander = frozenset() if commander_id is None else frozenset({commander_id})
    if percent >= MISSED_PERCENT:
        return Audience(frozenset({Role.RELEASE_MANAGER, Role.SUPPORT, Role.ADMIN}), commander)
    if percent > WARNINGS[0]:
        return Audience(frozenset({Role.RELEASE_MANAGER, Role.SUPPORT}), commander)
    return Audience(user_ids=commander) if commander else Audience(frozenset({Role.RELEASE_MANAGER}))
