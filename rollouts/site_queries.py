"""Reads of sites as planning sees them: their weekdays and exceptional days as values."""

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Prefetch

from core.domain.business_time import local_day
from flags.models import Site, SiteDay
from rollouts.domain.lifecycle import Status
from rollouts.domain.planning import PlanSite
from rollouts.models import Rollout, Step, StepStatus

#: States in which the dates of a rollout are a promise.
PROMISED = (Status.SCHEDULED, Status.RUNNING, Status.PAUSED, Status.HELD)


def plan_site(site: Site) -> PlanSite:
    """Return a stored site as planning sees it: one query, none where its days are prefetched."""
    exceptions = tuple(row.as_value for row in site.days.all())
    return PlanSite(site.key, frozenset(site.opening_weekdays), exceptions, ZoneInfo(site.time_zone))


def list_plan_sites(site_ids: Iterable[int]) -> dict[int, PlanSite]:
    """Return sites as planning sees them by primary key, in the order asked: two queries."""
    wanted = list(site_ids)
    rows = Site.objects.prefetch_related(Prefetch("days", SiteDay.objects.order_by("starts_on"))).in_bulk(wanted)
    return {pk: plan_site(rows[pk]) for pk in wanted if pk in rows}


def list_rollout_sites(rollout: Rollout) -> dict[int, PlanSite]:
    """Return a rollout's sites as planning sees them by primary key, in its order: three queries."""
    return list_plan_sites(rollout.rollout_sites.order_by("position").values_list("site_id", flat=True))


def list_misdated_rollouts(*, now: datetime) -> list[int]:
    """Return rollouts that promise a coming day to a site which takes no changes then (any more): three queries."""
    promised = Step.objects.filter(
        status=StepStatus.PLANNED,
        due_at__gt=now,
        site__isnull=False,
        rollout__status__in=PROMISED,
        rollout__is_rehearsal=False,
    )
    rows = list(promised.order_by().values_list("rollout_id", "site__time_zone", "site_id", "due_at").distinct())
    if not rows:
        return []
    sites = list_plan_sites({site_id for _rollout, _zone, site_id, _due in rows})
    return sorted(
        {
            rollout_id
            for rollout_id, zone, site_id, due_at in rows
            if not sites[site_id].takes_changes(local_day(due_at, zone=ZoneInfo(zone)))
        }
    )
