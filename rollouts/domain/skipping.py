"""Why a plan leaves days out: what stood in the way between one promotion and the next. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from core.domain.business_time import local_day
from flags.domain.opening import DayView, Skip, Standing, each_day, list_skips
from rollouts.domain.planning import PlannedPhase, PlanSite

#: Moment and site (empty for people and everyone) → the days left out before it.
Skips = Mapping[tuple[datetime, str], Sequence[Skip]]


def explain_skips(
    phases: Sequence[PlannedPhase], *, sites: Sequence[PlanSite], start_on: date, zone: ZoneInfo
) -> Skips:
    """Return what kept each promotion from the days before it; days of weekly closing need no words."""
    by_key = {site.key: site for site in sites}
    found: dict[tuple[datetime, str], Sequence[Skip]] = {}
    first = start_on
    for phase in phases:
        for due_at, site_key in dict.fromkeys((step.due_at, step.site_key) for step in phase.steps):
            whose = [by_key[site_key]] if site_key else sites
            day = local_day(due_at, zone=(whose[0].zone if site_key else None) or zone)
            if skips := list_skips(_views(first, day, sites=whose)):
                found[due_at, site_key] = skips
            first = max(first, day + timedelta(days=1))
        first = max(first, local_day(phase.ends_at, zone=zone))
    return found


def _views(start: date, end: date, *, sites: Sequence[PlanSite]) -> Iterator[DayView]:
    """Yield how the days stand on which none of the sites takes changes, in the words of the first that says more."""
    for day in each_day(start, end):
        view = sites[0].view(day)
        for site in sites:
            one = site.view(day)
            if one.takes_changes:
                break
            view = one if view.standing is Standing.WEEKLY_CLOSED else view
        else:
            yield view
