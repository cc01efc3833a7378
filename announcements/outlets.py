"""Outlets: by what an announcement reaches people. Apps add theirs when they are ready.

    from announcements.outlets import Outlet, register
    register(Outlet(key="till", label=_("Message in the till"), hint=_("…"), is_public=True,
                    count=lambda reach: reach.tills, preview=draw_notice, publish=show_notice))

`publish` runs within a transaction of its own, beside the row that says that it is done (ADR 0059): it writes to the
database alone, so that whatever dies, an announcement is said once. What leaves the machine goes through the outbox.
It is called for corrections and withdrawals as well: `message.act` says which, `message.number` counts versions.
A refusal that it raises is final; anything else is tried again.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.safestring import SafeString

from announcements.domain.message import Message, Reach
from core.actors import SCHEDULER, Actor, person
from core.errors import InvalidInput
from core.models import User


@dataclass(frozen=True)
class Published:
    """What an outlet did: how many people and tills it reaches, and the page where that is seen."""

    reached: int = 0
    url: str = ""


def _accept(_message: Message, *, now: datetime) -> None:
    """Refuse nothing."""


def _fit(_message: Message) -> bool:
    return True


@dataclass(frozen=True)
class Outlet:
    """One way to reach people.

    `is_public`: people outside the portal read it, so no exercise gets there. `fits`: whether it can take such an
    announcement at all. `count`: readers of a reach, 0 where nobody counts them. `preview`: HTML as its reader sees
    it, in a language. `check`: raises the refusal that `publish` would, before anybody confirms. `takes_back`: False
    where what it said stays said. `place`: those with a greater one stand later.
    """

    key: str
    label: str | Promise
    hint: str | Promise
    preview: Callable[[Message, str], SafeString]
    publish: Callable[..., Published]
    count: Callable[[Reach], int]
    is_public: bool = True
    takes_back: bool = True
    check: Callable[..., None] = _accept
    fits: Callable[[Message], bool] = _fit
    place: int = 0


_OUTLETS: dict[str, Outlet] = {}


def register(outlet: Outlet) -> Outlet:
    """Offer this outlet from now on, after those that are registered; the same key again replaces it."""
    _OUTLETS[outlet.key] = outlet
    return outlet


def list_outlets() -> list[Outlet]:
    """Return all outlets by their places, else in the order of registration."""
    return sorted(_OUTLETS.values(), key=lambda one: one.place)


def find_outlet(key: str) -> Outlet | None:
    """Return an outlet, None where its app is gone."""
    return _OUTLETS.get(key)


def get_outlets(keys: Collection[str]) -> list[Outlet]:
    """Return outlets in their order; refuse a key that nobody registered."""
    unknown = sorted(set(keys) - set(_OUTLETS))
    if unknown:
        raise InvalidInput("outlet_unknown", outlet=unknown[0])
    return [outlet for outlet in list_outlets() if outlet.key in set(keys)]


def count_readers(outlets: Sequence[Outlet], reach: Reach) -> int:
    """Return how many people and tills some outlets reach together: what a person confirms."""
    return sum(outlet.count(reach) for outlet in outlets)


def find_actor(message: Message) -> Actor:
    """Return who says a message: the person who confirmed it, else the portal on its own."""
    return SCHEDULER if message.by_id is None else person(User.objects.get(pk=message.by_id))
