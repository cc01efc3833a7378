"""Tells what happens: the rollout's event and, where people must know, the outbox."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from core.actors import Actor
from core.models import User
from notifications.domain.audience import CREW, DRIVERS, Audience
from notifications.transitions import mark_read_about, publish
from rollouts.models import Investigation, Rollout, RolloutEvent, Step

#: What a rehearsal tells, too, and to those who drive releases alone: an alarm is rehearsed with the rest.
TROUBLE = frozenset(
    {
        *("flag_rolled_back", "site_rolled_back", "phase_rolled_back", "rollout_rolled_back"),
        *(
            "rollout_held",
            "complaint_limit_reached",
            "pilots_complain",
            "guardrail_investigate",
            "complaints_investigate",
        ),
    }
)
#: With these a rollout ends.
ENDS = frozenset({"completed", "cancelled", "rolled_back"})
#: Messages that ask for nothing any more once their rollout has ended.
MOOT_AT_END = frozenset(
    {"step_done", "step_due_soon", "phase_started", "rollout_paused", "rollout_resumed", "rollout_held"}
)


def add_event(
    rollout: Rollout,
    *,
    kind: str,
    actor: Actor,
    reason: str,
    now: datetime,
    data: Mapping[str, object] | None = None,
) -> RolloutEvent:
    """Append one line to the rollout's story, in the caller's transaction; its end lays its messages aside."""
    if kind in ENDS:
        mark_read_about(url=_page(rollout.pk), kinds=None if rollout.is_rehearsal else MOOT_AT_END, now=now)
    return RolloutEvent.objects.create(
        rollout=rollout,
        kind=kind,
        at=now,
        data={"release": rollout.release.version, "environment": rollout.environment.key, **(data or {})},
        actor_kind=actor.kind,
        actor_label=actor.label[:200],
        actor_user_id=actor.user_id,
        reason=reason,
    )


def tell(
    event: RolloutEvent, *, kind: str, now: datetime, audience: Audience = CREW, flags: Sequence[str] | None = None
) -> None:
    """Put an event into the outbox, once; `flags` where it stands for more than the event itself names.

    What goes well in a rehearsal is in its story only.
    """
    is_rehearsal = event.rollout.is_rehearsal
    if is_rehearsal and kind not in TROUBLE:
        return
    told = {"reason": event.reason, "flags": list(flags or event.data.get("flags", [])), "is_rehearsal": is_rehearsal}
    publish(
        kind=kind,
        data={**event.data, **told},
        audience=DRIVERS if is_rehearsal else audience,
        dedupe_key=f"rollout-event:{event.pk}",
        now=now,
        url=_page(event.rollout_id),
    )


def _page(rollout_id: int) -> str:
    return f"/rollouts/{rollout_id}/"


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
            "site_keys": [first.site.key] if first.site else [],
            "due": first.due_at.isoformat(),
        },
        audience=CREW,
        dedupe_key=f"step-due:{first.pk}:{first.due_at.isoformat()}",
        now=now,
        url=_page(first.rollout_id),
    )
    return event is not None


def _name(person: User | None) -> str:
    return str(person) if person else ""


def tell_overdue(investigation: Investigation, *, now: datetime) -> bool:
    """Say that nobody has decided on complaints, or on a guardrail's word, in time; False where it was said before."""
    rollout, of_lane = investigation.rollout, investigation.is_of_lane
    found = {"reason": investigation.evidence["said"]} if of_lane else {"count": investigation.evidence["count"]}
    event = publish(
        kind="guardrail_overdue" if of_lane else "investigation_overdue",
        data={
            "release": rollout.release.version,
            "environment": rollout.environment.key,
            **found,
            "person": _name(investigation.owner),
            "deadline": investigation.deadline_at.isoformat(),
            "is_rehearsal": rollout.is_rehearsal,
        },
        audience=DRIVERS if rollout.is_rehearsal else CREW,
        dedupe_key=f"investigation-overdue:{investigation.pk}",
        now=now,
        url=f"/complaints/investigations/{investigation.pk}/",
    )
    return event is not None
