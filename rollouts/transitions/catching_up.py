"""A plan that is late goes on as planned, later: no phase shrinks, nothing that goes one by one goes together.

Whatever delayed it, a pause, a hold or an outage, the same rule answers: the day of the next step has
passed, so all that is left moves by as many plan days.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from core.actors import SCHEDULER
from core.domain.business_time import local_day
from core.history import save_many
from rollouts.domain.planning import CalendarDays
from rollouts.domain.shifting import find_new_day, is_missed
from rollouts.domain.templates import PhaseKind
from rollouts.models import Phase, PhaseStatus, Rollout, Step, StepStatus
from rollouts.site_queries import list_rollout_sites
from rollouts.story import add_event
from rollouts.transitions.redating import redate_rest

REASON_LATE = "What is late keeps its days and hours, later"


def redate_if_missed(rollout: Rollout, step: Step, *, now: datetime) -> bool:
    """Move all that is left where the next step's day has passed; True where it is due no more."""
    if not is_missed(step.due_at, day_seconds=rollout.day_seconds, zone=step.zone, now=now):
        return False
    if rollout.day_seconds is not None:
        shift_rehearsal(rollout, step, late=now - step.due_at)
    else:
        _redate_days(rollout, step, now=now)
    add_event(rollout, kind="plan_moved", actor=SCHEDULER, reason=REASON_LATE, now=now)
    step.refresh_from_db(fields=["due_at"])
    return step.due_at > now


def begin_rehearsal(rollout: Rollout, *, now: datetime) -> None:
    """Let a rehearsal's numbered days begin now, not when it was planned."""
    first = rollout.steps.filter(status=StepStatus.PLANNED).select_related("phase").order_by("position").first()
    if first is not None:
        shift_rehearsal(rollout, first, late=now - rollout.start_at)
    rollout.start_at = now
    rollout.save()


def _redate_days(rollout: Rollout, step: Step, *, now: datetime) -> None:
    sites = list_rollout_sites(rollout)
    today = CalendarDays(
        start_on=local_day(now, zone=step.zone), sites=list(sites.values()), zone=ZoneInfo(rollout.zone)
    )
    # A site that is under way may have its day today, however late the hour; what goes by slots may not.
    may_be_late = step.phase.kind == PhaseKind.PER_SITE and step.phase.status == PhaseStatus.RUNNING
    new_on = find_new_day(step.due_at, days=today, zone=step.zone, now=now, may_be_late=may_be_late)
    redate_rest(rollout, step, new_on=new_on, sites=sites)


def shift_rehearsal(rollout: Rollout, step: Step, *, late: timedelta) -> None:
    """Move a rehearsal's planned steps from this one on, and the phases they are in or lead to."""
    planned = rollout.steps.filter(status=StepStatus.PLANNED)
    rows = list(planned.filter(position__gte=step.position))
    for row in rows:
        row.due_at += late
    save_many(rows, ["due_at"])
    has_begun = planned.filter(phase=step.phase, position__lt=step.position).exists()
    for phase in rollout.phases.filter(position__gte=step.phase.position):
        _shift_phase(phase, late, keeps_start=has_begun and phase.pk == step.phase_id)


def _shift_phase(phase: Phase, late: timedelta, *, keeps_start: bool) -> None:
    if phase.status == PhaseStatus.PENDING and not keeps_start:
        phase.starts_at += late
    phase.ends_at = max(phase.ends_at + late, phase.starts_at + timedelta(seconds=1))
    phase.save()
