"""Reads of sites as planning sees them: their weekdays, exceptional days and the environment's freezes as values."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from django.db.models import Prefetch

from flags.models import Site, SiteDay
from rollouts.domain.freezing import Freeze
from rollouts.domain.planning import PlanSite
from rollouts.models import FreezeWindow, Rollout


def plan_site(site: Site, *, freezes: tuple[Freeze, ...] = (), allows_holidays: bool = False) -> PlanSite:
    """Return a stored site as planning sees it: one query, none where its days are prefetched."""
    exceptions = tuple(row.as_value for row in site.days.all())
    weekdays, zone = frozenset(site.opening_weekdays), ZoneInfo(site.time_zone)
    return PlanSite(site.key, weekdays, exceptions, zone, freezes, allows_holidays)


def list_plan_sites(
    site_ids: Iterable[int], *, freezes: tuple[Freeze, ...] = (), allows_holidays: bool = False
) -> dict[int, PlanSite]:
    """Return sites as planning sees them by primary key, in the order asked: two queries."""
    wanted = list(site_ids)
    rows = Site.objects.prefetch_related(Prefetch("days", SiteDay.objects.order_by("starts_on"))).in_bulk(wanted)
    found = (pk for pk in wanted if pk in rows)
    return {pk: plan_site(rows[pk], freezes=freezes, allows_holidays=allows_holidays) for pk in found}


def list_own_sites(rollout: Rollout) -> dict[int, PlanSite]:
    """Return a rollout's sites by primary key, in its order, with their own days alone: three queries."""
    return list_plan_sites(_list_site_ids(rollout))


def list_rollout_sites(rollout: Rollout) -> dict[int, PlanSite]:
    """Return a rollout's sites as its plan sees them by primary key, in its order: four queries."""
    freezes = () if rollout.is_rehearsal else list_freezes_of(rollout.environment_id)
    return list_plan_sites(_list_site_ids(rollout), freezes=freezes, allows_holidays=rollout.allows_holidays)


def _list_site_ids(rollout: Rollout) -> Iterable[int]:
    return rollout.rollout_sites.order_by("position").values_list("site_id", flat=True)


def list_freezes_of(environment_id: int) -> tuple[Freeze, ...]:
    """Return the freezes of an environment as values: one query."""
    rows = FreezeWindow.objects.filter(environment=environment_id).order_by("starts_on", "ends_on")
    return tuple(row.as_value for row in rows)
