"""Tells what happens: the rollout's event and, where people must know, the outbox."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from core.actors import Actor
from notifications.domain.audience import CREW, Audience
from notifications.transitions import publish
from rollouts.models import Rollout, RolloutEvent, Step


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


def tell(
    event: RolloutEvent, *, kind: str, now: datetime, audience: Audience = CREW, flags: Sequence[str] | None = None
) -> None:
    """Put an event into the outbox, once; `flags` where it stands for more than the event itself names."""
    publish(
        kind=kind,
        data={**event.data, "reason": event.reason, "flags": list(flags or event.data.get("flags", []))},
        audience=audience,
        dedupe_key=f"rollout-event:{event.pk}",
        now=now,
        url=f"/rollouts/{event.rollout_id}/",
    )


def tell_due_soon(steps: Sequence[Step], *, now: datetime) -> bool:
    """Say that steps which go together are due soon; False where it was said before."""
    first = steps[0]
    event = publish(
        kind="step_due_soon",
        data={
            "release": first.rollout.release.version,
            "environment": first.rollout.environment.key,
            "flags": [step.flag.key for step in steps],
            "audience": first.whom,
            "due": first.due_at.isoformat(),
        },
        audience=CREW,
        dedupe_key=f"step-due:{first.pk}:{first.due_at.isoformat()}",
        now=now,
        url=f"/rollouts/{first.rollout_id}/",
    )
    return event is not None
