"""What is due for one person, and for everybody: a fixed number of queries for each source."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.models import User
from core.roles import Role
from notifications.domain.due import DueItem, divide, settle_audiences
from notifications.due import list_due_items
from notifications.personal_queries import as_persons, list_everybody

#: How far ahead the page looks.
AHEAD = timedelta(days=31)


@dataclass(frozen=True)
class Share:
    """What one person has to do, or whoever holds one of `roles`."""

    person: User | None
    roles: Sequence[Role]
    items: Sequence[DueItem]


def list_own_due(user: User, *, now: datetime) -> list[DueItem]:
    """Return what a person has to do within the next month, as their digest would list it."""
    items = list_due_items(now=now, until=now + AHEAD)
    return divide(items, as_persons(list_everybody()))[user.pk]


def list_everybodys_due(*, now: datetime) -> list[Share]:
    """Return what people by their names have to do, by name, then what is in the hands of all who hold a role.

    What several people are named for stands with each of them.
    """
    people = list_everybody()
    settled = settle_audiences(list_due_items(now=now, until=now + AHEAD), as_persons(people))
    named = [Share(user, (), [item for item, audience in settled if user.pk in audience.user_ids]) for user in people]
    common: dict[frozenset[Role], list[DueItem]] = {}
    for item, audience in settled:
        if not audience.user_ids:
            common.setdefault(audience.roles, []).append(item)
    return [
        *(share for share in named if share.items),
        *(Share(None, [role for role in Role if role in roles], items) for roles, items in common.items()),
    ]
