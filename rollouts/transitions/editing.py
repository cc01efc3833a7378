"""Edits of a plan that is not over: a pause put in, a moment moved, steps left out and taken up again.

Before a rollout is scheduled an edit leaves approvals behind by itself, since they are of a hash. Afterwards
what makes exposure wider or earlier than other people approved is refused: back to the draft, and ask again.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from django.db import transaction

from core.actors import Actor
from core.domain.business_time import local_day
from core.errors import InvalidInput, Refusal
from core.history import recorded
from rollouts.domain.lifecycle import ENDED, Status
from rollouts.domain.planning import CalendarDays
from rollouts.models import PhaseStatus, Rollout, Step, StepStatus
from rollouts.queries import list_steps_together
from rollouts.site_queries import list_rollout_sites
from rollouts.story import add_event
from rollouts.transitions.catching_up import shift_rehearsal
from rollouts.transitions.locking import get_locked_rollout
from rollouts.transitions.partial_rollback import list_shut_sites
from rollouts.transitions.redating import find_obstacle, redate_rest

MOST_DAYS = 60
#: Nothing is promised yet: any edit is the draft's.
UNPROMISED = frozenset({Status.DRAFT, Status.AWAITING_APPROVAL})

Edit = Callable[[Rollout, Step], dict[str, object]]


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
        before = rollout.phases.filter(position__lt=step.phase.position).order_by("-position").first()
        old = step.due_at
        if rollout.day_seconds is not None:
            shift_rehearsal(rollout, step, late=timedelta(seconds=rollout.day_seconds * days))
        else:
            sites = list_rollout_sites(rollout)
            plan_days = CalendarDays(
                start_on=local_day(old, zone=step.zone), sites=list(sites.values()), zone=ZoneInfo(rollout.zone)
            )
            redate_rest(rollout, step, new_on=plan_days.day(days + 1), sites=sites)
        step.refresh_from_db()
        if before is not None and before.status != PhaseStatus.DONE and before.ends_at <= old:
            # What is waited for before a phase is waited for in the one before.
            before.ends_at += step.due_at - old
            before.save()
        return {"days": days, "audience": step.whom}

    return _edit(rollout_id, step_id, edit, kind="pause_inserted", actor=actor, reason=reason, now=now, seen=seen_epoch)


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
            _check_not_promised(rollout)
        _check_day(rollout, step, due_at)
        old = step.due_at
        for row in list_steps_together(step).filter(status=StepStatus.PLANNED):
            row.due_at = due_at
            row.save()
        _check_order(rollout)
        _follow(rollout, step, due_at)
        return {"audience": step.whom, "before": old.isoformat(), "after": due_at.isoformat()}

    return _edit(rollout_id, step_id, edit, kind="moment_moved", actor=actor, reason=reason, now=now, seen=seen_epoch)


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
        return {"audience": step.whom, "flags": [row.flag.key for row in rows]}

    return _edit(rollout_id, step_id, edit, kind="steps_skipped", actor=actor, reason=reason, now=now, seen=seen_epoch)


@transaction.atomic
def restore_steps(
    *, rollout_id: int, step_id: int, actor: Actor, reason: str, now: datetime, seen_epoch: int | None = None
) -> Rollout:
    """Take up again what was left out, at its moment, or at once where that has passed; of flags still driven."""

    def edit(rollout: Rollout, step: Step) -> dict[str, object]:
        _check_not_promised(rollout)
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
        return {"audience": step.whom, "flags": [row.flag.key for row in rows]}

    return _edit(rollout_id, step_id, edit, kind="steps_restored", actor=actor, reason=reason, now=now, seen=seen_epoch)


def _edit(
    rollout_id: int,
    step_id: int,
    edit: Edit,
    *,
    kind: str,
    actor: Actor,
    reason: str,
    now: datetime,
    seen: int | None,
) -> Rollout:
    """Do an edit under the rollout's lock and tell it; refuse where the rollout is over or the step is gone."""
    rollout = get_locked_rollout(rollout_id, seen_epoch=seen)
    if rollout.status in ENDED:
        raise Refusal("rollout_over")
    steps = rollout.steps.select_related("phase", "site", "segment", "flag", "rollout")
    step = steps.filter(pk=step_id).first()
    if step is None:
        raise Refusal("changed_meanwhile")
    with recorded(actor=actor, reason=reason, now=now) as recording:
        data = edit(rollout, step)
        rollout.epoch += 1
        rollout.save()
        add_event(rollout, kind=kind, actor=actor, reason=recording.reason, now=now, data=data)
    return rollout


def _check_not_promised(rollout: Rollout) -> None:
    """Refuse more or earlier exposure than other people approved."""
    if rollout.environment.required_approvals and rollout.status not in UNPROMISED:
        raise Refusal("dates_are_approved", environment=rollout.environment.key)


def _check_day(rollout: Rollout, step: Step, due_at: datetime) -> None:
    """Refuse a day on which nothing may go out to the step's audience, and a second site on one day."""
    if rollout.day_seconds is not None:
        return
    sites = list_rollout_sites(rollout)
    day = local_day(due_at, zone=step.zone)
    if find_obstacle(step, day, sites=sites) is not None:
        raise Refusal("no_change_that_day", day=day.isoformat())
    if step.site_id is None:
        return
    others = rollout.steps.exclude(site=None).exclude(site=step.site_id).exclude(status=StepStatus.SKIPPED)
    if any(local_day(row.due_at, zone=row.zone) == day for row in others.select_related("site")):
        raise Refusal("day_has_a_site", day=day.isoformat())


def _check_order(rollout: Rollout) -> None:
    """Refuse where a step would come before one that stands before it in the plan."""
    rows = rollout.steps.filter(status=StepStatus.PLANNED).order_by("position").values_list("due_at", flat=True)
    if any(after < before for before, after in pairwise(rows)):
        raise Refusal("order_broken")


def _follow(rollout: Rollout, step: Step, due_at: datetime) -> None:
    """Let the step's phase begin and end around its moment, and the phase before end before it."""
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
