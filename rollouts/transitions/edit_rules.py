"""What every edit of a plan keeps: the lock, the story, what was approved, the days and the order."""

from collections.abc import Callable
from datetime import datetime
from itertools import pairwise

from core.actors import Actor
from core.domain.business_time import local_day
from core.errors import Refusal
from core.history import recorded
from rollouts.domain.approving import EditKind
from rollouts.domain.lifecycle import ENDED, Status
from rollouts.models import Rollout, Step, StepStatus
from rollouts.site_queries import list_rollout_sites
from rollouts.story import add_event
from rollouts.transitions.locking import get_locked_rollout
from rollouts.transitions.redating import find_block

#: Nothing is promised yet: any edit is the draft's.
UNPROMISED = frozenset({Status.DRAFT, Status.AWAITING_APPROVAL})

#: Changes a step, and what goes with it; returns what the story says of it.
Edit = Callable[[Rollout, Step], dict[str, object]]


def edit_plan(
    rollout_id: int,
    step_id: int,
    edit: Edit,
    *,
    kind: EditKind,
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


def check_not_promised(rollout: Rollout) -> None:
    """Refuse more or earlier exposure than other people approved."""
    if rollout.environment.required_approvals and rollout.status not in UNPROMISED:
        raise Refusal("dates_are_approved", environment=rollout.environment.key)


def check_day(rollout: Rollout, step: Step, due_at: datetime) -> None:
    """Refuse a day on which nothing may go out to the step's audience, and a second site on one day."""
    if rollout.day_seconds is not None:
        return
    sites = list_rollout_sites(rollout)
    day = local_day(due_at, zone=step.zone)
    view = find_block(step, day, sites=sites)
    if view is not None and view.label:
        raise Refusal("no_change_that_labelled_day", day=day, standing=str(view.standing), label=view.label)
    if view is not None:
        raise Refusal("no_change_that_day", day=day, standing=str(view.standing))
    if step.site_id is None:
        return
    others = rollout.steps.exclude(site=None).exclude(site=step.site_id).exclude(status=StepStatus.SKIPPED)
    if any(local_day(row.due_at, zone=row.zone) == day for row in others.select_related("site")):
        raise Refusal("day_has_a_site", day=day)


def check_order(rollout: Rollout) -> None:
    """Refuse where a step would come before one that stands before it in the plan."""
    rows = rollout.steps.filter(status=StepStatus.PLANNED).order_by("position").values_list("due_at", flat=True)
    if any(after < before for before, after in pairwise(rows)):
        raise Refusal("order_broken")
