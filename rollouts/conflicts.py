"""What stands in a plan's way, or meets it: read before anything is written."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from django.db.models import Max

from core.domain.business_time import local_day
from flags.models import Site
from rollouts.domain.conflicts import Push, list_pushes
from rollouts.domain.lifecycle import PROMISED
from rollouts.domain.planning import PlannedPhase, PlanSite
from rollouts.models import Rollout, RolloutFlag, Step, StepStatus


@dataclass(frozen=True)
class Busy:
    """Another rollout that drives flags of this one: which, and when its plan ends."""

    rollout: Rollout
    flags: Sequence[str]
    until: datetime


@dataclass(frozen=True)
class Meeting:
    """Another rollout that reaches the same sites on the same days: (name, day) of each."""

    rollout: Rollout
    sites: Sequence[tuple[str, date]]


@dataclass(frozen=True)
class Conflicts:
    """All that is said before a plan is confirmed beside what is odd about itself."""

    busy: Sequence[Busy] = field(default_factory=tuple)
    meetings: Sequence[Meeting] = field(default_factory=tuple)
    pushes: Sequence[Push] = field(default_factory=tuple)


def find_conflicts(
    *,
    environment_id: int,
    flag_ids: Collection[int],
    phases: Sequence[PlannedPhase],
    sites: Mapping[int, PlanSite],
    start_on: date | None,
    zone: ZoneInfo,
) -> Conflicts:
    """Return what a drawn plan meets: two queries, two more where it meets something.

    A rehearsal, which has no `start_on`, meets busy flags alone.
    """
    busy = _list_busy(environment_id=environment_id, flag_ids=flag_ids)
    if start_on is None:
        return Conflicts(busy)
    last_on = max(local_day(step.due_at, zone=zone) for phase in phases for step in phase.steps)
    return Conflicts(
        busy,
        _list_meetings(environment_id=environment_id, phases=phases, sites=sites, zone=zone),
        list_pushes(sites=list(sites.values()), start_on=start_on, last_on=last_on),
    )


def _list_busy(*, environment_id: int, flag_ids: Collection[int]) -> list[Busy]:
    rows = RolloutFlag.objects.filter(flag__in=flag_ids, environment_id=environment_id, is_active=True)
    rows = rows.select_related("flag", "rollout__release", "rollout__environment")
    found = rows.annotate(until=Max("rollout__phases__ends_at")).order_by("rollout", "position")
    busy = []
    for rollout, group in groupby(found, key=lambda row: row.rollout):
        same = list(group)
        busy.append(Busy(rollout, [row.flag.name for row in same], same[0].until))
    return busy


def _list_meetings(
    *, environment_id: int, phases: Sequence[PlannedPhase], sites: Mapping[int, PlanSite], zone: ZoneInfo
) -> list[Meeting]:
    wanted = set(_list_visits(phases, sites=sites, zone=zone))
    steps = Step.objects.filter(
        status=StepStatus.PLANNED,
        site__in=sites,
        rollout__environment=environment_id,
        rollout__status__in=PROMISED,
        rollout__is_rehearsal=False,
    )
    found: dict[int, dict[tuple[int, date], None]] = {}
    moments = steps.order_by("rollout", "due_at").values_list("rollout", "site", "due_at").distinct()
    for rollout_id, site_id, due_at in moments:
        day = local_day(due_at, zone=sites[site_id].zone or zone)
        if (site_id, day) in wanted:
            found.setdefault(rollout_id, {})[site_id, day] = None
    names = dict(Site.objects.filter(pk__in=sites).values_list("pk", "name")) if found else {}
    rollouts = Rollout.objects.select_related("release", "environment").in_bulk(found)
    return [Meeting(rollouts[pk], [(names[site_id], day) for site_id, day in visits]) for pk, visits in found.items()]


def _list_visits(
    phases: Sequence[PlannedPhase], *, sites: Mapping[int, PlanSite], zone: ZoneInfo
) -> Iterable[tuple[int, date]]:
    """Yield each site by primary key with its day on its own calendar."""
    known = {site.key: (pk, site.zone or zone) for pk, site in sites.items()}
    for step in (step for phase in phases for step in phase.steps if step.site_key):
        pk, own = known[step.site_key]
        yield pk, local_day(step.due_at, zone=own)
