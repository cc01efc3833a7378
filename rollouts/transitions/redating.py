"""Keeps promised dates true: a site whose days were edited after planning gets another day at once."""

from datetime import datetime

from django.db import transaction

from core.actors import SCHEDULER
from core.domain.business_time import local_day
from core.history import recorded
from rollouts.domain.planning import PlanSite
from rollouts.models import Rollout, Step, StepStatus
from rollouts.site_queries import PROMISED, list_rollout_sites
from rollouts.transitions.stepping import replan_sites, say_why_not


@transaction.atomic
def keep_to_open_days(*, rollout_id: int, now: datetime) -> bool:
    """Move a rollout's coming sites off days that take no changes (any more); True where any was.

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
    if rollout.steps.filter(status=StepStatus.PLANNED, due_at__lte=now).exists():
        return False
    sites = list_rollout_sites(rollout)
    step = _find_misdated(rollout, sites, now=now)
    if step is None or step.site is None:
        return False
    reason = say_why_not(sites[step.site.pk], name=step.site.name, day=local_day(step.due_at, zone=step.zone))
    with recorded(actor=SCHEDULER, reason=reason, now=now):
        replan_sites(rollout, step, reason=reason, now=now)
    return True


def _find_misdated(rollout: Rollout, sites: dict[int, PlanSite], *, now: datetime) -> Step | None:
    coming = rollout.steps.filter(status=StepStatus.PLANNED, site__isnull=False, due_at__gt=now)
    for step in coming.select_related("phase", "site").order_by("position"):
        if step.site_id is not None and not sites[step.site_id].takes_changes(local_day(step.due_at, zone=step.zone)):
            return step
    return None
