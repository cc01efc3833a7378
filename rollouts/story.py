"""Tells what happens: the rollout's event and, where people must know, the outbox."""

from collections.abc import Mapping
from datetime import datetime

from core.actors import Actor
from notifications.domain.audience import CREW, Audience
from notifications.transitions import publish
from rollouts.models import Rollout, RolloutEvent


def add_event(
    rollout: Rollout,
    *,
    kind: str,
    actor: Actor,
    reason: str,
    now: datetime,
    data: Mapping[str, object] | None = None,
) -> RolloutEvent:
    """Append one line to the rollout's story, in the caller's transaction."""
    return RolloutEvent.objects.create(
        rollout=rollout,
        kind=kind,
        at=now,
        data={"release": rollout.release.version, "environment": rollout.environment.key, **(data or {})},
        actor_kind=actor.kind,
        actor_label=actor.label[:200],
        reason=reason,
    )


def tell(event: RolloutEvent, *, kind: str, now: datetime, audience: Audience = CREW) -> None:
    """Put an event into the outbox, once."""
    publish(
        kind=kind,
        data={**event.data, "reason": event.reason, "flags": ", ".join(event.data.get("flags", []))},
        audience=audience,
        dedupe_key=f"rollout-event:{event.pk}",
        now=now,
        url=f"/rollouts/{event.rollout_id}/",
    )
