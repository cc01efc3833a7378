"""Earlier than planned, on a person's word: a rollout begins now, a phase ends before its days have passed."""

from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.domain.business_time import local_day
from core.errors import Refusal
from core.history import recorded
from rollouts.domain.lifecycle import Status
from rollouts.domain.planning import SHORTEST
from rollouts.domain.templates import Gate
from rollouts.gate_queries import judge_phase, list_phases_before
from rollouts.models import Phase, PhaseStatus, Rollout, Step, StepStatus
from rollouts.queries import find_next_step, judge_rollout, weigh_for_gates
from rollouts.site_queries import list_rollout_sites
from rollouts.story import add_event, tell
from rollouts.transitions.catching_up import shift_rehearsal
from rollouts.transitions.edit_rules import check_not_promised
from rollouts.transitions.locking import get_locked_rollout
from rollouts.transitions.redating import find_move_cause, redate_rest


@transaction.atomic
def start_now(*, rollout_id: int, actor: Actor, reason: str, now: datetime, seen_epoch: int | None = None) -> Rollout:
    """Let a scheduled rollout begin today, its first steps at once; all days and hours behind them are kept.

    Refuses a day that takes no changes, and where an approval was for the dates that were planned.
    """
    rollout = get_locked_rollout(rollout_id, seen_epoch=seen_epoch)
    if rollout.status != Status.SCHEDULED:
        raise Refusal("wrong_state", start=rollout.status, end=str(Status.RUNNING))
    check_not_promised(rollout)
    step = find_next_step(rollout)
    if step is None:
        raise Refusal("nothing_planned")
    with recorded(actor=actor, reason=reason, now=now) as recording:
        _bring_forward(rollout, step, now=now)
        rollout.epoch += 1
        rollout.save()
        add_event(rollout, kind="start_hastened", actor=actor, reason=recording.reason, now=now)
    return rollout


@transaction.atomic
def promote_early(
    *, rollout_id: int, actor: Actor, reason: str, now: datetime, seen_epoch: int | None = None
) -> Rollout:
    """Let the next phase begin today, before the running one's days have passed; its other gates must hold.

    So must those of a phase between them whose steps were all left out.
    """
    rollout = get_locked_rollout(rollout_id, seen_epoch=seen_epoch)
    if rollout.status != Status.RUNNING:
        raise Refusal("wrong_state", start=rollout.status, end=str(Status.RUNNING))
    check_not_promised(rollout)
    phase = rollout.phases.filter(status=PhaseStatus.RUNNING).order_by("-position").first()
    step = find_next_step(rollout)
    if phase is None or step is None or step.phase_id == phase.pk:
        raise Refusal("phase_not_done")
    phases = list_phases_before(step.phase)
    verdicts = weigh_for_gates(rollout, judge_rollout(rollout, now=now), now=now)
    results = [one for row in phases for one in judge_phase(row, verdicts, now=now)]
    failed = [one.code for one in results if not one.holds and one.gate is not Gate.SOAK]
    if failed:
        raise Refusal("gates_do_not_hold", gates=failed)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        _bring_forward(rollout, step, now=now)
        for row in phases:
            _end_by(row, now)
        rollout.epoch += 1
        rollout.save()
        data = {"phase": step.phase.kind}
        event = add_event(rollout, kind="promoted_early", actor=actor, reason=recording.reason, now=now, data=data)
        tell(event, kind="promoted_early", now=now)
    return rollout


def _end_by(phase: Phase, now: datetime) -> None:
    """Let a phase's days have passed: one that is gone through only has none."""
    if phase.status == PhaseStatus.PENDING:
        phase.starts_at = min(phase.starts_at, now - SHORTEST)
    phase.ends_at = max(min(phase.ends_at, now), phase.starts_at + SHORTEST)
    phase.save()


def _bring_forward(rollout: Rollout, step: Step, *, now: datetime) -> None:
    """Move a step to today, at once, and all behind it with it."""
    if rollout.day_seconds is not None:
        shift_rehearsal(rollout, step, late=now - step.due_at)
        return
    sites = list_rollout_sites(rollout)
    today = local_day(now, zone=step.zone)
    if find_move_cause(step, today, sites=sites) is not None:
        raise Refusal("no_change_today", day=today.isoformat())
    if local_day(step.due_at, zone=step.zone) > today:
        redate_rest(rollout, step, new_on=today, sites=sites)
    step.refresh_from_db(fields=["due_at"])
    if step.due_at > now:
        # Its hour is still to come today: what goes with it goes now.
        for row in rollout.steps.filter(phase=step.phase, status=StepStatus.PLANNED, due_at=step.due_at):
            row.due_at = now
            row.save()
    if step.phase.starts_at > now:
        step.phase.refresh_from_db()
        step.phase.starts_at = now
        step.phase.save()
