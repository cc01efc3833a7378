"""A plan that is late goes on as planned, later: no phase shrinks, nothing that goes one by one goes together.

Whatever delayed it, a pause, a hold or an outage, the same rule answers: the day of the next step has
passed, so all that is left moves by as many plan days.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from core.actors import SCHEDULER
from core.domain.business_time import local_day
from rollouts.domain.planning import CalendarDays
from rollouts.domain.shifting import CalendarShift, RehearsalShift, Shift, find_new_day, is_missed
from rollouts.domain.templates import PhaseKind
from rollouts.models import Phase, PhaseStatus, Rollout, Step, StepStatus
from rollouts.site_queries import list_rollout_sites
from rollouts.story import add_event

REASON_LATE = "What is late keeps its days and hours, later"


def redate_if_missed(rollout: Rollout, step: Step, *, now: datetime) -> bool:
    """Move all that is left where the next step's day has passed; True where it is due no more."""
    if not is_missed(step.due_at, day_seconds=rollout.day_seconds, zone=step.zone, now=now):
        return False
    shift_rest(rollout, step, shift=_find_shift(rollout, step, now=now))
    add_event(rollout, kind="plan_moved", actor=SCHEDULER, reason=REASON_LATE, now=now)
    step.refresh_from_db(fields=["due_at"])
    return step.due_at > now


def begin_rehearsal(rollout: Rollout, *, now: datetime) -> None:
    """Let a rehearsal's numbered days begin now, not when it was planned."""
    first = rollout.steps.filter(status=StepStatus.PLANNED).select_related("phase").order_by("position").first()
    if first is not None:
        shift_rest(rollout, first, shift=RehearsalShift(late=now - rollout.start_at))
    rollout.start_at = now
    rollout.save()


def shift_rest(rollout: Rollout, step: Step, *, shift: Shift) -> None:
    """Move the planned steps, and the phases they are in or lead to. A phase that only soaks keeps its end."""
    for row in rollout.steps.filter(status=StepStatus.PLANNED).select_related("site"):
        row.due_at = shift.move(row.due_at, zone=row.zone)
        row.save()
    for phase in rollout.phases.filter(position__gte=step.phase.position):
        _shift_phase(phase, shift)


def _shift_phase(phase: Phase, shift: Shift) -> None:
    ends_at = shift.move(phase.ends_at)
    if phase.status == PhaseStatus.PENDING:
        phase.starts_at = shift.move(phase.starts_at)
    phase.ends_at = max(ends_at, phase.starts_at + timedelta(seconds=1))
    phase.save()


def _find_shift(rollout: Rollout, step: Step, *, now: datetime) -> Shift:
    if rollout.day_seconds is not None:
        return RehearsalShift(late=now - step.due_at)
    zone = ZoneInfo(rollout.zone)
    sites = list(list_rollout_sites(rollout).values())
    today = CalendarDays(start_on=local_day(now, zone=step.zone), sites=sites, zone=zone)
    # A site that is under way may have its day today, however late the hour; what goes by slots may not.
    may_be_late = step.phase.kind == PhaseKind.PER_SITE and step.phase.status == PhaseStatus.RUNNING
    new_day = find_new_day(step.due_at, days=today, zone=step.zone, now=now, may_be_late=may_be_late)
    before = CalendarDays(start_on=local_day(step.due_at, zone=step.zone), sites=sites, zone=zone)
    after = CalendarDays(start_on=new_day, sites=sites, zone=zone)
    return CalendarShift(before=before, after=after, zone=zone)
