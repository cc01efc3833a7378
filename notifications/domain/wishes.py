"""What a team's channel wants to hear, and when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

#: The gravest first.
TIERS = ("critical", "important", "minor")
UTC = ZoneInfo("UTC")
EVERY_DAY = frozenset(range(7))


class Drills(StrEnum):
    """Whether rehearsals are told: a channel of their own hears nothing else."""

    NO = "no"
    TOO = "too"
    ONLY = "only"


@dataclass(frozen=True)
class Scope:
    """What an event is about; empty where it concerns all of them."""

    kind: str
    environment: str = ""
    tier: str = ""
    sites: frozenset[str] = frozenset()
    is_rehearsal: bool = False


@dataclass(frozen=True)
class Wishes:
    """What is wanted; an empty set wants everything. `least_tier`: graver ones, too; empty: all."""

    environments: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    sites: frozenset[str] = frozenset()
    least_tier: str = ""
    drills: Drills = Drills.NO


@dataclass(frozen=True)
class Hours:
    """When a channel is read: from one time of day until another on some weekdays (Monday is 0); None: always.

    Hours that end before they begin go over midnight, and belong to the day on which they begin.
    """

    begin: time | None = None
    end: time | None = None
    days: frozenset[int] = EVERY_DAY
    zone: ZoneInfo = UTC


def scope_of(kind: str, data: Mapping[str, Any]) -> Scope:
    """Return what an event is about, from what it holds."""
    sites = data.get("site_keys", data.get("sites", []))
    return Scope(
        kind=kind,
        environment=str(data.get("environment", "")),
        tier=str(data.get("tier", "")),
        sites=frozenset(map(str, sites)) if isinstance(sites, Sequence) and not isinstance(sites, str) else frozenset(),
        is_rehearsal=bool(data.get("is_rehearsal")),
    )


def wants(wishes: Wishes, scope: Scope) -> bool:
    """Tell whether an event is told: what names no environment, tier or site concerns all of them."""
    if wishes.drills is (Drills.NO if scope.is_rehearsal else Drills.ONLY):
        return False
    if wishes.kinds and scope.kind not in wishes.kinds:
        return False
    if scope.environment and wishes.environments and scope.environment not in wishes.environments:
        return False
    if wishes.least_tier and scope.tier in TIERS and TIERS.index(scope.tier) > TIERS.index(wishes.least_tier):
        return False
    return not (wishes.sites and scope.sites) or bool(wishes.sites & scope.sites)


def opens_at(hours: Hours, *, now: datetime) -> datetime:
    """Return when a channel is read next: `now` within its hours."""
    if hours.begin is None or hours.end is None:
        if hours.days == EVERY_DAY:
            return now
        begin, end = time(0), time(0)
    else:
        begin, end = hours.begin, hours.end
    today = now.astimezone(hours.zone).date()
    # From yesterday: its hours may go over midnight. A week later each weekday has come.
    for ahead in range(-1, 9):
        day = today + timedelta(days=ahead)
        if day.weekday() not in hours.days:
            continue
        opens = datetime.combine(day, begin, tzinfo=hours.zone)
        closes = datetime.combine(day + timedelta(days=end <= begin), end, tzinfo=hours.zone)
        if now < closes:
            return max(opens, now)
    return now
