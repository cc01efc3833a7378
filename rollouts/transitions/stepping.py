"""The scheduler's one action: do the next due step of a rollout, in one transaction."""

from datetime import datetime

from django.db import transaction

from core.actors import SCHEDULER
from core.history import recorded
from core.reasons import BETWEEN, write_reason
from flags.domain.audience import RuleAudience, RuleKind
from flags.domain.bucketing import share_of
from flags.transitions import lay_rule, on_variant
from notifications.domain.audience import DRIVERS
from rollouts.domain.lifecycle import DRIVEN, Status
from rollouts.gate_queries import judge_phase, list_phases_before
from rollouts.models import Phase, PhaseStatus, Rollout, RolloutEvent, Step, StepStatus
from rollouts.queries import find_next_step, judge_rollout, list_steps_together, weigh_for_gates
from rollouts.shut_queries import step_origin
from rollouts.story import add_event, tell
from rollouts.transitions.catching_up import redate_if_missed
from rollouts.transitions.delaying import leave_closed_day, leave_taken_day
from rollouts.transitions.driving import REASON_DUE, hold_rollout, start_running
from rollouts.transitions.locking import move
from rollouts.transitions.masking import hold_if_masked


@transaction.atomic
def run_next_step(*, rollout_id: int, now: datetime) -> Step | None:
    """Do the next due step; None where nothing is due, a gate does not hold, or another worker is at it.

    The rollout's row is locked with SKIP LOCKED, so two beats never do a step twice; whatever dies
    halfway has done nothing.
    """
    rollout = (
        Rollout.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("release", "environment")
        .filter(pk=rollout_id, status__in=DRIVEN)
        .first()
    )
    if rollout is None:
        return None
    step = find_next_step(rollout)
    if step is None:
        _end_last_phase(rollout, now=now)
        return None
    if step.due_at > now:
        return None
    with recorded(actor=SCHEDULER, reason=REASON_DUE, now=now):
        if redate_if_missed(rollout, step, now=now) or leave_closed_day(rollout, step, now=now):
            return None
        if rollout.status == Status.SCHEDULED:
            start_running(rollout, now=now)
        is_ready = _enter_phase(rollout, step.phase, now=now) and not leave_taken_day(rollout, step, now=now)
        if not is_ready or hold_if_masked(rollout, step, now=now):
            return None
        _do(rollout, step, now=now)
    return step


def _enter_phase(rollout: Rollout, phase: Phase, *, now: datetime) -> bool:
    """Begin the step's phase where it has not begun; False where a gate before it does not hold.

    A phase all of whose steps were left out is gone through like any other: its gates are asked.
    """
    if phase.status == PhaseStatus.RUNNING:
        return True
    for before in list_phases_before(phase):
        if before.status == PhaseStatus.PENDING:
            _begin(rollout, before, now=now)
        if not _may_end(rollout, before, now=now):
            return False
        before.status = PhaseStatus.DONE
        before.save()
        add_event(rollout, kind="phase_ended", actor=SCHEDULER, reason=REASON_DUE, now=now, data={"phase": before.kind})
    tell(_begin(rollout, phase, now=now), kind="phase_started", now=now)
    return True


def _begin(rollout: Rollout, phase: Phase, *, now: datetime) -> RolloutEvent:
    phase.status = PhaseStatus.RUNNING
    phase.save()
    data = {"phase": phase.kind}
    return add_event(rollout, kind="phase_started", actor=SCHEDULER, reason=REASON_DUE, now=now, data=data)


def _may_end(rollout: Rollout, phase: Phase, *, now: datetime) -> bool:
    asked = phase.asked_gates
    if not asked:
        return True
    results = judge_phase(phase, weigh_for_gates(rollout, judge_rollout(rollout, now=now), now=now), now=now)
    failed = [result for result in results if not result.holds and result.gate in asked]
    if not failed:
        return True
    hold_rollout(
        rollout_id=rollout.pk,
        code="gate",
        data={"phase": phase.kind, "gates": [{"code": result.code, **result.data} for result in failed]},
        actor=SCHEDULER,
        reason=BETWEEN.join(write_reason(result.code) for result in failed),
        now=now,
    )
    return False


def _do(rollout: Rollout, step: Step, *, now: datetime) -> None:
    row = rollout.rollout_flags.get(flag_id=step.flag_id)
    if not row.is_active:
        step.status = StepStatus.SKIPPED
        step.save()
        return
    audience = RuleAudience(RuleKind(step.audience_kind), segment_id=step.segment_id, site_id=step.site_id)
    variant = on_variant(step.flag)
    lay_rule(
        flag_id=step.flag_id,
        environment_id=rollout.environment_id,
        audience=audience,
        variant="" if step.share_bp else variant,
        split=share_of(variant, step.share_bp, rest=step.flag.off_variant) if step.share_bp else (),
        phase=step.phase.kind,
        origin=step_origin(rollout),
        actor=SCHEDULER,
        reason=write_reason(
            "rule_added",
            release=rollout.release.version,
            environment=rollout.environment.key,
            phase=step.phase.kind,
        ),
        now=now,
    )
    step.status = StepStatus.DONE
    step.done_at = now
    step.save()
    event = add_event(
        rollout,
        kind="step_done",
        actor=SCHEDULER,
        reason=REASON_DUE,
        now=now,
        data={"flag": step.flag.key, "audience": step.whom, "phase": step.phase.kind},
    )
    together = list_steps_together(step)
    if not together.filter(status=StepStatus.PLANNED).exists():
        flags = list(together.filter(status=StepStatus.DONE).values_list("flag__key", flat=True))
        tell(event, kind="step_done", now=now, audience=DRIVERS, flags=flags)


def _end_last_phase(rollout: Rollout, *, now: datetime) -> None:
    """Complete a running rollout all of whose steps are done and whose last phase has passed.

    Until then it is watched where most people see it, and can be taken back.
    """
    last = rollout.phases.filter(status=PhaseStatus.RUNNING).order_by("-position").first()
    if rollout.status != Status.RUNNING or (last is not None and last.ends_at > now):
        return
    with recorded(actor=SCHEDULER, reason="Every step is done", now=now):
        for phase in rollout.phases.exclude(status=PhaseStatus.DONE):
            phase.status = PhaseStatus.DONE
            phase.save()
        for row in rollout.rollout_flags.filter(is_active=True).order_by("flag_id"):
            row.is_active = False
            row.save()
        move(rollout, Status.COMPLETED, now=now)
        event = add_event(rollout, kind="completed", actor=SCHEDULER, reason="Every step is done", now=now)
        tell(event, kind="rollout_completed", now=now)
