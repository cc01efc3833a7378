"""Edits of a plan that is not over: a pause put in, a moment moved, steps left out and taken up again.

Before a rollout is scheduled an edit leaves approvals behind by itself, since they are of a hash. Afterwards
what makes exposure wider or earlier than other people approved is refused: back to the draft, and ask again.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from core.actors import Actor
from core.domain.business_time import local_day
from core.errors import InvalidInput, Refusal
from rollouts.domain.planning import CalendarDays
from rollouts.models import PhaseStatus, Rollout, Step, StepStatus
from rollouts.queries import list_steps_together
from rollouts.shut_queries import list_shut_sites
from rollouts.site_queries import list_rollout_sites
from rollouts.transitions.catching_up import shift_rehearsal
from rollouts.transitions.edit_rules import check_day, check_not_promised, check_order, edit_plan
from rollouts.transitions.redating import redate_rest

MOST_DAYS = 60


@transaction.atomic
def insert_pause(
    *,
    rollout_id: int,
    step_id: int,
    days: int,
    actor: Actor,
    reason: str,
    now: datetime,
    seen_epoch: int | None = None,
) -> Rollout:
    """Let a step and all behind it wait for so many plan days more: a phase that ends before it lasts longer."""
    if not 1 <= days <= MOST_DAYS:
        raise InvalidInput("pause_wrong", most=MOST_DAYS)

    def edit(rollout: Rollout, step: Step) -> dict[str, object]:
        if step.status != StepStatus.PLANNED:
            raise Refusal("step_not_planned")
        first = list_steps_together(step).filter(status=StepStatus.PLANNED).select_related("phase").first() or step
        _wait_before(rollout, first, days=days)
        return {"days": days, "audience": step.whom}

    return edit_plan(
        rollout_id, step_id, edit, kind="pause_inserted", actor=actor, reason=reason, now=now, seen=seen_epoch
    )


def _wait_before(rollout: Rollout, step: Step, *, days: int) -> None:
    """Move a step and all behind it; what is waited for before a phase is waited for in the one before."""
    old = step.due_at
    before = rollout.phases.filter(position__lt=step.phase.position).order_by("-position").first()
    if rollout.day_seconds is not None:
        late = timedelta(seconds=rollout.day_seconds * days)
        shift_rehearsal(rollout, step, late=late)
        waited = before.ends_at + late if before is not None else None
    else:
        zone, sites = ZoneInfo(rollout.zone), list_rollout_sites(rollout)
        plan_days = CalendarDays(start_on=local_day(old, zone=step.zone), sites=list(sites.values()), zone=zone)
        redate_rest(rollout, step, new_on=plan_days.day(days + 1), sites=sites, keeps_day=True)
        waited = plan_days.end(days)
    if step.phase.steps.filter(position__lt=step.position).exclude(status=StepStatus.SKIPPED).exists():
        return
    step.refresh_from_db(fields=["due_at"])
    if waited is not None and before is not None and before.status != PhaseStatus.DONE and before.ends_at <= old:
        before.ends_at = max(before.ends_at, min(waited, step.due_at))
        before.save()


@transaction.atomic
def move_moment(
    *,
    rollout_id: int,
    step_id: int,
    due_at: datetime,
    actor: Actor,
    reason: str,
    now: datetime,
    seen_epoch: int | None = None,
) -> Rollout:
    """Move a step, and what goes with it, to another moment between those before and behind it."""

    def edit(rollout: Rollout, step: Step) -> dict[str, object]:
        if step.status != StepStatus.PLANNED:
            raise Refusal("step_not_planned")
        if due_at <= now:
            raise InvalidInput("moment_past")
        if due_at < step.due_at:
            check_not_promised(rollout)
        check_day(rollout, step, due_at)
        old = step.due_at
        for row in list_steps_together(step).filter(status=StepStatus.PLANNED):
            row.due_at = due_at
            row.save()
        check_order(rollout)
        _follow(rollout, step)
        return {"audience": step.whom, "before": old.isoformat(), "after": due_at.isoformat()}

    return edit_plan(
        rollout_id, step_id, edit, kind="moment_moved", actor=actor, reason=reason, now=now, seen=seen_epoch
    )


@transaction.atomic
def skip_steps(
    *, rollout_id: int, step_id: int, actor: Actor, reason: str, now: datetime, seen_epoch: int | None = None
) -> Rollout:
    """Leave a step out, and what goes with it: a site, or the people of one moment, get nothing by this plan."""

    def edit(rollout: Rollout, step: Step) -> dict[str, object]:
        rows = list(list_steps_together(step).filter(status=StepStatus.PLANNED).select_related("flag"))
        if not rows:
            raise Refusal("step_not_planned")
        for row in rows:
            row.status = StepStatus.SKIPPED
            row.save()
        return {"audience": step.whom, "flags": [row.flag.key for row in rows], "steps": [row.pk for row in rows]}

    return edit_plan(
        rollout_id, step_id, edit, kind="steps_skipped", actor=actor, reason=reason, now=now, seen=seen_epoch
    )


@transaction.atomic
def restore_steps(
    *, rollout_id: int, step_id: int, actor: Actor, reason: str, now: datetime, seen_epoch: int | None = None
) -> Rollout:
    """Take up again what was left out, at its moment, or at once where that has passed; of flags still driven.

    Another step may have that moment's place meanwhile, another site its day: then it is refused.
    """

    def edit(rollout: Rollout, step: Step) -> dict[str, object]:
        check_not_promised(rollout)
        if step.phase.status == PhaseStatus.DONE:
            raise Refusal("phase_over")
        if step.site in list_shut_sites(rollout):
            raise Refusal("site_shut", site=step.whom)
        gone = rollout.rollout_flags.exclude(rolled_back_at=None).values("flag_id")
        together = list_steps_together(step).filter(status=StepStatus.SKIPPED).exclude(flag__in=gone)
        rows = list(together.select_related("flag"))
        if not rows:
            raise Refusal("step_not_skipped")
        for row in rows:
            row.status = StepStatus.PLANNED
            row.due_at = max(row.due_at, now)
            row.save()
        check_day(rollout, step, rows[0].due_at)
        check_order(rollout)
        _follow(rollout, step)
        return {"audience": step.whom, "flags": [row.flag.key for row in rows], "steps": [row.pk for row in rows]}

    return edit_plan(
        rollout_id, step_id, edit, kind="steps_restored", actor=actor, reason=reason, now=now, seen=seen_epoch
    )


def _follow(rollout: Rollout, step: Step) -> None:
    """Let the step's phase begin and end around its moments, and the phase before end before it."""
    phase = step.phase
    phase.refresh_from_db()
    planned = phase.steps.filter(status=StepStatus.PLANNED).order_by("due_at")
    first, last = planned.first(), planned.last()
    if phase.status == PhaseStatus.PENDING and first is not None:
        phase.starts_at = first.due_at
    if last is not None:
        phase.ends_at = max(phase.ends_at, last.due_at + timedelta(seconds=1))
    phase.save()
    before = rollout.phases.filter(position=phase.position - 1).exclude(status=PhaseStatus.DONE).first()
    if before is not None and before.ends_at > phase.starts_at:
        before.ends_at = max(phase.starts_at, before.starts_at + timedelta(seconds=1))
        before.save()
