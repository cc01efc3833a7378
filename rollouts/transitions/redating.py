"""Gives the rest of a real plan new dates, and keeps promised dates true when days were edited after planning."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import transaction

from core.actors import SCHEDULER
from core.domain.business_time import local_day
from core.history import recorded, save_many
from core.reasons import write_reason
from flags.domain.opening import DayView, Standing
from rollouts.domain.lifecycle import PROMISED
from rollouts.domain.planning import PlanSite
from rollouts.domain.redating import Promise, can_change, redate
from rollouts.domain.templates import PhaseKind
from rollouts.models import Phase, PhaseStatus, Rollout, Step, StepStatus
from rollouts.site_queries import list_rollout_sites
from rollouts.story import add_event


@dataclass(frozen=True)
class MoveCause:
    """Why a plan's steps move off a day: the kind of event that tells it, the reason, its data."""

    kind: str
    reason: str
    data: Mapping[str, object]


@transaction.atomic
def keep_to_open_days(*, rollout_id: int, now: datetime) -> bool:
    """Move what a rollout promises off days that take no changes (any more); True where anything was.

    What is overdue is the scheduler's, which looks at the day again before each step.
    """
    rollout = (
        Rollout.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("release", "environment")
        .filter(pk=rollout_id, status__in=PROMISED, is_rehearsal=False)
        .first()
    )
    if rollout is None:
        return False
    steps = rollout.steps.filter(status=StepStatus.PLANNED).select_related("phase", "site").order_by("position")
    if any(step.due_at <= now for step in steps):
        return False
    sites = list_rollout_sites(rollout)
    for step in steps:
        day = local_day(step.due_at, zone=step.zone)
        cause = find_move_cause(step, day, sites=sites)
        if cause is not None:
            with recorded(actor=SCHEDULER, reason=cause.reason, now=now):
                tell_moved(rollout, cause, redate_rest(rollout, step, new_on=day, sites=sites), now=now)
            return True
    return False


def find_block(step: Step, day: date, *, sites: Mapping[int, PlanSite]) -> DayView | None:
    """Return how the day stands for a step's audience where nothing may go out to it; of many sites the first's."""
    own = sites[step.site.pk] if step.site is not None else None
    everywhere = list(sites.values())
    return None if can_change(day, site=own, sites=everywhere) else (own or everywhere[0]).view(day)


def find_move_cause(step: Step, day: date, *, sites: Mapping[int, PlanSite]) -> MoveCause | None:
    """Return why nothing may go out to a step's audience on a day; None where it may."""
    view = find_block(step, day, sites=sites)
    if view is None:
        return None
    if view.standing is Standing.FROZEN:
        reason = write_reason("frozen", day=day.isoformat(), label=view.label)
        return MoveCause("plan_moved", reason, {"freeze": view.label})
    if step.site is not None:
        standing = view.label or view.standing
        reason = write_reason("site_set_apart", site=step.site.name, day=day.isoformat(), standing=standing)
        return MoveCause("sites_delayed", reason, {})
    kind = "everyone_delayed" if step.phase.kind == PhaseKind.FULL else "plan_moved"
    return MoveCause(kind, write_reason("no_site_open", day=day.isoformat()), {})


def tell_moved(rollout: Rollout, cause: MoveCause, moved: Sequence[Step], *, now: datetime) -> None:
    """Add to the story why dates moved; where it was for a site, which sites have new ones."""
    data = dict(cause.data)
    if cause.kind == "sites_delayed":
        data["sites"] = list(dict.fromkeys(step.site.key for step in moved if step.site is not None))
    add_event(rollout, kind=cause.kind, actor=SCHEDULER, reason=cause.reason, now=now, data=data)


def redate_rest(
    rollout: Rollout, step: Step, *, new_on: date, sites: Mapping[int, PlanSite], keeps_day: bool = False
) -> list[Step]:
    """Move a step of a real plan to `new_on` or later and all behind it with it; return the steps that moved.

    What stands before it on the same day moves along, unless `keeps_day`.
    """
    planned = rollout.steps.filter(status=StepStatus.PLANNED)
    rows = list(planned.select_related("phase", "site").order_by("position"))
    phases = {row.phase.position: row.phase for row in rows}
    dates = redate(
        [
            Promise(row.due_at, row.phase.position, sites[row.site_id] if row.site_id is not None else None)
            for row in rows
        ],
        ends={position: phase.ends_at for position, phase in phases.items()},
        sites=list(sites.values()),
        zone=ZoneInfo(rollout.zone),
        start_on=local_day(step.due_at, zone=step.zone),
        new_on=new_on,
        stay=sum(row.position < step.position for row in rows) if keeps_day else 0,
    )
    moved = []
    first: dict[int, datetime] = {}
    for row, moment in zip(rows, dates.moments, strict=True):
        first[row.phase.position] = min(moment, first.get(row.phase.position, moment))
        if row.due_at != moment:
            row.due_at = moment
            moved.append(row)
    save_many(moved, ["due_at"])
    for position, ends_at in dates.ends.items():
        _move_phase(phases[position], starts_at=first[position], ends_at=ends_at)
    return moved


def _move_phase(phase: Phase, *, starts_at: datetime, ends_at: datetime) -> None:
    starts_at = starts_at if phase.status == PhaseStatus.PENDING else phase.starts_at
    if (phase.starts_at, phase.ends_at) != (starts_at, ends_at):
        phase.starts_at, phase.ends_at = starts_at, ends_at
        phase.save()
