"""Messages, published by the real transition."""

from itertools import count
from typing import Any

from core.actors import DEMO
from notifications.domain.audience import Audience
from notifications.endpoint_transitions import add_endpoint
from notifications.models import Channel, Endpoint, Event
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


def make_endpoint(address: str = "https://chat.example/hooks/T0P-S3CRET-PATH", **given: Any) -> Endpoint:
    """Add a channel of a team by the real transition; its signing secret is its attribute `secret`."""
    kind = given.pop("kind", Channel.SLACK)
    number = next(_numbers)
    wishes = {"name": f"#releases-{number}", "language": "en", "per_minute": 600} | given
    endpoint, secret = add_endpoint(
        kind=kind, values=wishes, address=address, actor=DEMO, reason="The team reads there", now=NOW
    )
    endpoint.secret = secret  # type: ignore[attr-defined]  # for tests alone
    return endpoint
