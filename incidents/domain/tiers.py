"""Tiers and their recovery time objective, from the customer's text; the clock runs without pause."""

from datetime import datetime, timedelta
from enum import StrEnum


class Tier(StrEnum):
    CRITICAL = "critical"
    IMPORTANT = "important"
    MINOR = "minor"


RTO = {Tier.CRITICAL: timedelta(hours=1), Tier.IMPORTANT: timedelta(hours=4), Tier.MINOR: timedelta(hours=24)}
_WEIGHT = {Tier.MINOR: 0, Tier.IMPORTANT: 1, Tier.CRITICAL: 2}

#: Shares of the time at which people are warned, in percent.
WARNINGS = (50, 80, 100)


def higher_tier(left: Tier, right: Tier) -> Tier:
    """Return the graver of two tiers."""
    return max(left, right, key=lambda tier: _WEIGHT[tier])


def deadline_of(*, detected_at: datetime, tier: Tier) -> datetime:
    """Return by when an incident must be restored: the clock starts at detection."""
    return detected_at + RTO[tier]


def used_bp(*, detected_at: datetime, tier: Tier, now: datetime) -> int:
    """Return the used share of the time in basis points; above 10,000 it is missed."""
    return max(0, int((now - detected_at) * 10_000 / RTO[tier]))


def due_warnings(*, detected_at: datetime, tier: Tier, now: datetime) -> list[int]:
    """Return the warnings that are due by now, in percent."""
    used = used_bp(detected_at=detected_at, tier=tier, now=now)
    return [percent for percent in WARNINGS if used >= percent * 100]
