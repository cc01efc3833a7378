"""A person drives: schedule, pause, resume, cancel; the system holds."""

from collections.abc import Mapping
from datetime import datetime

from django.db import IntegrityError, transaction

from core.actors import SCHEDULER, Actor
from core.errors import Refusal
from core.history import recorded
from rollouts.approval_queries import weigh_phase_approval
from rollouts.domain.lifecycle import Status
from rollouts.domain.templates import Gate
from rollouts.models import PhaseStatus, Rollout, StepStatus
from rollouts.story import add_event, tell
from rollouts.transitions.approving import check_plan_approved
from rollouts.transitions.catching_up import begin_rehearsal
from rollouts.transitions.locking import get_locked_rollout, move
from rollouts.transitions.redating import keep_to_open_days

REASON_DUE = "Due by the plan"
#: A scheduled rollout begins by its plan, not by a person's word.
RESUMABLE = frozenset({Status.PAUSED, Status.HELD})


@transaction.atomic
def schedule_rollout(
    *, rollout_id: int, actor: Actor, reason: str, now: datetime, seen_epoch: int | None = None
) -> Rollout:
    """Let the scheduler begin at the first step; refuse where another rollout drives one of the flags."""
    rollout = get_locked_rollout(rollout_id, seen_epoch=seen_epoch)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        check_plan_approved(rollout)
        first = rollout.steps.filter(status=StepStatus.PLANNED).order_by("due_at").first()
        if not rollout.is_rehearsal and (first is None or first.due_at <= now):
            raise Refusal("start_in_past", start_on=str(rollout.start_on))
        if rollout.is_rehearsal:
            begin_rehearsal(rollout, now=now)
        move(rollout, Status.SCHEDULED, now=now)
        for row in rollout.rollout_flags.select_related("flag").order_by("flag_id"):
            row.is_active = True
            try:
                with transaction.atomic():
                    row.save()
            except IntegrityError:
                raise Refusal("flag_in_other_rollout", flag=row.flag.key) from None
        add_event(rollout, kind="scheduled", actor=actor, reason=recording.reason, now=now)
    # Days may have been closed or frozen since it was drawn: from now on its dates are a promise.
    keep_to_open_days(rollout_id=rollout.pk, now=now)
    return rollout


def start_running(rollout: Rollout, *, now: datetime) -> None:
    """Let a locked rollout that is scheduled begin, by its plan; to be called within `recorded`."""
    move(rollout, Status.RUNNING, now=now)
    add_event(rollout, kind="started", actor=SCHEDULER, reason=REASON_DUE, now=now)


@transaction.atomic
def pause_rollout(
    *, rollout_id: int, actor: Actor, reason: str, now: datetime, seen_epoch: int | None = None
) -> Rollout:
    """Stop before the next step; what is on stays on."""
    rollout = get_locked_rollout(rollout_id, seen_epoch=seen_epoch)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        change = {"flags": [], "by": actor.label, "why": recording.reason}
        move(rollout, Status.PAUSED, now=now, held_data={"changes": [change]})
        event = add_event(rollout, kind="paused", actor=actor, reason=recording.reason, now=now)
        tell(event, kind="rollout_paused", now=now)
    return rollout


@transaction.atomic
def resume_rollout(
    *,
    rollout_id: int,
    actor: Actor,
    reason: str,
    now: datetime,
    waive_gate: bool = False,
    seen_epoch: int | None = None,
) -> Rollout:
    """Go on; with `waive_gate` the phase that is held at its gate may end, on this person's word.

    Other people's approval is nobody's to waive: without it, refused.
    """
    rollout = get_locked_rollout(rollout_id, seen_epoch=seen_epoch)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        if rollout.status not in RESUMABLE:
            raise Refusal("wrong_state", start=rollout.status, end=str(Status.RUNNING))
        was_held_for = rollout.held_code
        move(rollout, Status.RUNNING, now=now)
        waived = waive_gate and was_held_for == "gate"
        if waived:
            phase = rollout.phases.filter(status=PhaseStatus.RUNNING).order_by("position").first()
            if phase is not None:
                if Gate.APPROVAL in phase.gates and not weigh_phase_approval(phase).holds:
                    raise Refusal("approval_not_waived")
                phase.gate_waived = True
                phase.save()
        event = add_event(
            rollout,
            kind="resumed",
            actor=actor,
            reason=recording.reason,
            now=now,
            data={"gate_waived": waived, "after": was_held_for},
        )
        tell(event, kind="rollout_resumed", now=now)
    return rollout


@transaction.atomic
def hold_rollout(
    *,
    rollout_id: int,
    code: str,
    data: Mapping[str, object],
    actor: Actor,
    reason: str,
    now: datetime,
    expected_epoch: int | None = None,
) -> Rollout | None:
    """Hold a running rollout and tell people; None where it does not run (any more)."""
    rollout = get_locked_rollout(rollout_id)
    if rollout.status != Status.RUNNING or expected_epoch not in {None, rollout.epoch}:
        return None
    with recorded(actor=actor, reason=reason, now=now) as recording:
        move(rollout, Status.HELD, now=now, held_code=code, held_data=data)
        event = add_event(
            rollout, kind="held", actor=actor, reason=recording.reason, now=now, data={"code": code, **data}
        )
        tell(event, kind="rollout_held", now=now)
    return rollout


@transaction.atomic
def cancel_rollout(
    *, rollout_id: int, actor: Actor, reason: str, now: datetime, seen_epoch: int | None = None
) -> Rollout:
    """Give up a rollout that has not begun."""
    rollout = get_locked_rollout(rollout_id, seen_epoch=seen_epoch)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        move(rollout, Status.CANCELLED, now=now)
        for row in rollout.rollout_flags.filter(is_active=True).order_by("flag_id"):
            row.is_active = False
            row.save()
        add_event(rollout, kind="cancelled", actor=actor, reason=recording.reason, now=now)
    return rollout
