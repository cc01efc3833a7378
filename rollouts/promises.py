"""Reads of what plans promise: the moments to come, and the sites whose days they must keep to."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Count, Min

from rollouts.domain.freezing import Freeze
from rollouts.domain.lifecycle import PROMISED
from rollouts.domain.planning import PlanSite
from rollouts.domain.redating import Promise, find_misdated, redate
from rollouts.models import FreezeWindow, Phase, Rollout, RolloutSite, Step, StepStatus
from rollouts.site_queries import list_plan_sites


@dataclass(frozen=True)
class PromisedPlan:
    """A real rollout's moments to come, in order, how many changes each has, its sites and the ends of its phases."""

    rollout: Rollout
    promises: Sequence[Promise]
    changes: Sequence[int]
    sites: Sequence[PlanSite]
    ends: Mapping[int, datetime]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.rollout.zone)

    @property
    def misdated(self) -> Promise | None:
        """Return the first promise whose day takes no changes (any more)."""
        index = find_misdated(self.promises, sites=self.sites, zone=self.zone)
        return None if index is None else self.promises[index]

    def freeze(self, freeze: Freeze) -> "PromisedPlan":
        """Return the plan as it would stand with one more freeze, its dates not moved yet."""
        sites = {site.key: replace(site, freezes=(*site.freezes, freeze)) for site in self.sites}
        promises = [replace(one, site=sites[one.site.key] if one.site else None) for one in self.promises]
        return replace(self, promises=promises, sites=list(sites.values()))

    def count_moved(self) -> int:
        """Return how many changes get another date when what is misdated is moved."""
        misdated = self.misdated
        if misdated is None:
            return 0
        day = misdated.day(self.zone)
        dates = redate(self.promises, ends=self.ends, sites=self.sites, zone=self.zone, start_on=day, new_on=day)
        pairs = zip(self.promises, dates.moments, self.changes, strict=True)
        return sum(count for promise, moment, count in pairs if moment != promise.due_at)


def list_promised_plans(
    *, now: datetime, environment_ids: Collection[int] | None = None, rollout_id: int | None = None
) -> list[PromisedPlan]:
    """Return the real rollouts under way with their moments after `now`: seven queries at most."""
    rollouts = Rollout.objects.filter(status__in=PROMISED, is_rehearsal=False).select_related("release", "environment")
    if environment_ids is not None:
        rollouts = rollouts.filter(environment__in=environment_ids)
    if rollout_id is not None:
        rollouts = rollouts.filter(pk=rollout_id)
    found = rollouts.in_bulk()
    if not found:
        return []
    sites = _list_sites(found.values())
    ends: dict[int, dict[int, datetime]] = {}
    for pk, position, ends_at in Phase.objects.filter(rollout__in=found).values_list(
        "rollout_id", "position", "ends_at"
    ):
        ends.setdefault(pk, {})[position] = ends_at
    promises: dict[int, list[tuple[Promise, int]]] = {}
    for pk, phase, site_id, due_at, count in _list_moments(found, now=now):
        site = None if site_id is None else sites[pk][site_id]
        promises.setdefault(pk, []).append((Promise(due_at, phase, site), count))
    return [
        PromisedPlan(
            rollout=found[pk],
            promises=[promise for promise, _count in rows],
            changes=[count for _promise, count in rows],
            sites=list(sites[pk].values()),
            ends=ends[pk],
        )
        for pk, rows in sorted(promises.items())
    ]


def _list_moments(rollouts: Collection[int], *, now: datetime) -> list[tuple[int, int, int | None, datetime, int]]:
    """Return (rollout, position of the phase, site, moment, number of changes) of what is to come, in order."""
    steps = Step.objects.filter(rollout__in=rollouts, status=StepStatus.PLANNED, due_at__gt=now).order_by()
    groups = steps.values_list("rollout_id", "phase__position", "site_id", "due_at")
    rows = groups.annotate(changes=Count("pk"), first=Min("position")).order_by("rollout_id", "first")
    return [row[:5] for row in rows]


def _list_sites(rollouts: Collection[Rollout]) -> dict[int, dict[int, PlanSite]]:
    """Return each rollout's sites as its plan sees them, by primary key and in its order: four queries."""
    ids = [rollout.pk for rollout in rollouts]
    rows = list(RolloutSite.objects.filter(rollout__in=ids).order_by("position").values_list("rollout_id", "site_id"))
    sites = list_plan_sites({site_id for _rollout, site_id in rows})
    freezes: dict[int, list[Freeze]] = {}
    for freeze in FreezeWindow.objects.filter(environment__in={rollout.environment_id for rollout in rollouts}):
        freezes.setdefault(freeze.environment_id, []).append(freeze.as_value)
    places = {rollout.pk: tuple(freezes.get(rollout.environment_id, ())) for rollout in rollouts}
    on_holidays = {rollout.pk for rollout in rollouts if rollout.allows_holidays}
    found: dict[int, dict[int, PlanSite]] = {}
    for pk, site_id in rows:
        found.setdefault(pk, {})[site_id] = replace(
            sites[site_id], freezes=places[pk], allows_holidays=pk in on_holidays
        )
    return found


def list_misdated_rollouts(*, now: datetime) -> list[int]:
    """Return rollouts that promise something for a day which takes no changes (any more): seven queries at most."""
    return [plan.rollout.pk for plan in list_promised_plans(now=now) if plan.misdated is not None]


def count_moves(*, environment_ids: Collection[int], freeze: Freeze, now: datetime) -> list[tuple[Rollout, int]]:
    """Return the rollouts that a freeze would move, with how many of their changes: seven queries at most."""
    plans = [plan.freeze(freeze) for plan in list_promised_plans(now=now, environment_ids=environment_ids)]
    return [(plan.rollout, count) for plan in plans if (count := plan.count_moved())]
