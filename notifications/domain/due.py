"""What is due, for whom and how soon. Pure: words are made when an item is read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from core.roles import Role
from notifications.domain.audience import DRIVERS, Audience

#: Today and the six days after it.
WEEK = timedelta(days=6)


class Horizon(StrEnum):
    """How soon; the order is that in which people read it."""

    OVERDUE = "overdue"
    TODAY = "today"
    SOON = "soon"
    LATER = "later"


@dataclass(frozen=True)
class DueItem:
    """Something somebody is to do by a day or a moment.

    `words` % `data` is its title in the language in force. Where nobody of `audience.user_ids` is there any more,
    it falls to those who drive releases. `spared`: who has the role and may not, or need not, do it.
    """

    words: object
    due: date | datetime
    url: str
    audience: Audience
    data: Mapping[str, object] = field(default_factory=dict)
    spared: frozenset[int] = frozenset()
    source: str = ""

    @property
    def title(self) -> str:
        """The title, one line."""
        return " ".join((str(self.words) % self.data).split())


@dataclass(frozen=True)
class Person:
    """An active person with a role: who may be asked to do something."""

    pk: int
    roles: frozenset[Role]


def judge_horizon(due: date | datetime, *, now: datetime, zone: ZoneInfo) -> Horizon:
    """Return how soon something is due on the clock and calendar of a zone.

    A day is overdue once it has passed, a moment once it has come.
    """
    today = now.astimezone(zone).date()
    if isinstance(due, datetime):
        if due <= now:
            return Horizon.OVERDUE
        due = due.astimezone(zone).date()
    if due < today:
        return Horizon.OVERDUE
    if due == today:
        return Horizon.TODAY
    return Horizon.SOON if due <= today + WEEK else Horizon.LATER


def group_by_horizon(
    items: Iterable[DueItem], *, now: datetime, zone: ZoneInfo
) -> list[tuple[Horizon, Sequence[DueItem]]]:
    """Return the items by how soon they are due, none of them empty; what has waited longest comes first."""
    found: dict[Horizon, list[DueItem]] = {horizon: [] for horizon in Horizon}
    for item in sorted(items, key=lambda one: _order(one.due, zone=zone)):
        found[judge_horizon(item.due, now=now, zone=zone)].append(item)
    return [(horizon, rows) for horizon, rows in found.items() if rows]


def _order(due: date | datetime, *, zone: ZoneInfo) -> tuple[date, bool, float]:
    """Order by day; on a day what has an hour comes first."""
    if isinstance(due, datetime):
        return due.astimezone(zone).date(), False, due.timestamp()
    return due, True, 0.0


def settle_audiences(items: Iterable[DueItem], people: Iterable[Person]) -> list[tuple[DueItem, Audience]]:
    """Return each item with whom it is for: those named who are there, else its roles, else who drives releases."""
    there = {person.pk for person in people}
    settled = []
    for item in items:
        named = item.audience.user_ids & there
        roles = item.audience.roles
        settled.append((item, Audience(roles if named or roles else DRIVERS.roles, named)))
    return settled


def divide(items: Iterable[DueItem], people: Sequence[Person]) -> dict[int, list[DueItem]]:
    """Return what each person is to do, by their number: an item for a role is in the hands of all who hold it."""
    settled = settle_audiences(items, people)
    return {
        person.pk: [
            item
            for item, audience in settled
            if person.pk not in item.spared and (person.pk in audience.user_ids or person.roles & audience.roles)
        ]
        for person in people
    }
