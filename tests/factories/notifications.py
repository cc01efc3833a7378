"""Messages, published by the real transition."""

from itertools import count
from typing import Any

from notifications.domain.audience import Audience
from notifications.models import Event
from notifications.transitions import publish
from tests.factories.core import NOW

_numbers = count(1)


def make_event(*user_ids: int, **given: Any) -> Event:
    """Publish an event for these people and return it."""
    number = next(_numbers)
    wanted: dict[str, Any] = {
        "kind": "rollout_paused",
        "data": {"release": "1.3", "environment": "prod", "reason": f"Lunch {number}"},
        "audience": Audience(user_ids=frozenset(user_ids)),
        "dedupe_key": f"test:{number}",
        "url": "/rollouts/",
        "now": NOW,
    }
    event = publish(**(wanted | given))
    assert event is not None
    return event
