"""Reads of the duty roster: who is on duty where, and where nobody is though people were promised somebody."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from core.domain.business_time import day_bounds, local_day
from flags.domain.opening import each_day
from flags.models import Flag, Rule, Site
from rollouts.domain.lifecycle import PROMISED
from rollouts.domain.plan_day import BEFORE_NEXT
from rollouts.domain.templates import SupportLevel
from rollouts.models import Phase, PhaseStatus, Rollout, RolloutFlag, RolloutSite, Step, StepStatus, SupportShift
from rollouts.shut_queries import TAKEN_BACK
from rollouts.site_queries import list_plan_sites

ROSTER_DAYS = 14


@dataclass(frozen=True)
class RosterDay:
    """A day of the roster: who is on duty, and the sites that have nobody and should."""

    day: date
    shifts: Sequence[SupportShift]
    gaps: Sequence[Site]


def list_shifts(*, since: date, until: date) -> list[SupportShift]:
    """Return the shifts that touch [since, until), those of every site first: one query."""
    rows = SupportShift.objects.filter(starts_on__lt=until, ends_on__gt=since).select_related("site")
    return sorted(rows, key=lambda row: (row.site.name if row.site else "", row.starts_on, row.pk))


def list_coming_shifts(*, now: datetime) -> list[SupportShift]:
    """Return the shifts that are not over, by their first day: one query."""
    rows = SupportShift.objects.filter(ends_on__gt=timezone.localdate(now)).select_related("site")
    return list(rows.order_by("starts_on", "name", "pk"))


def get_roster(*, now: datetime) -> list[RosterDay]:
    """Return the coming days with who is on duty: six queries."""
    today = timezone.localdate(now)
    days = list(each_day(today, today + timedelta(days=ROSTER_DAYS)))
    shifts = list_shifts(since=days[0], until=days[-1] + timedelta(days=1))
    wanted = _list_wanted(days, now=now)
    return [
        RosterDay(
            day,
            on_duty := [row for row in shifts if row.starts_on <= day < row.ends_on],
            [site for site in wanted.get(day, ()) if not _is_covered(site, on_duty)],
        )
        for day in days
    ]


def _is_covered(site: Site, shifts: Iterable[SupportShift]) -> bool:
    return any(row.site_id in {None, site.pk} for row in shifts)


def _list_wanted(days: Sequence[date], *, now: datetime) -> dict[date, list[Site]]:
    """Return, by day, the open sites that a phase with heightened support reaches or may reach: four queries."""
    phases = list(
        Phase.objects.filter(support=SupportLevel.HEIGHTENED, rollout__status__in=PROMISED, rollout__is_rehearsal=False)
        .exclude(status=PhaseStatus.DONE)
        .select_related("rollout")
    )
    places = RolloutSite.objects.filter(rollout__in={phase.rollout_id for phase in phases}).select_related("site")
    sites: dict[int, list[Site]] = {}
    for row in places.order_by("site__name"):
        sites.setdefault(row.rollout_id, []).append(row.site)
    plan_sites = list_plan_sites({site.pk for rows in sites.values() for site in rows})
    wanted: dict[date, dict[int, Site]] = {}
    for phase in phases:
        for day in days:
            if _lasts_on(phase, day, now=now):
                open_sites = [one for one in sites.get(phase.rollout_id, ()) if plan_sites[one.pk].view(day).is_open]
                wanted.setdefault(day, {}).update({site.pk: site for site in open_sites})
    return {day: sorted(found.values(), key=lambda site: site.name) for day, found in wanted.items()}


def _lasts_on(phase: Phase, day: date, *, now: datetime) -> bool:
    """Tell whether a day is one of a phase's; one that runs, as late as it may be, lasts through today."""
    zone = ZoneInfo(phase.rollout.zone)
    first, end = local_day(phase.starts_at, zone=zone), local_day(phase.ends_at + BEFORE_NEXT, zone=zone)
    if phase.status == PhaseStatus.RUNNING:
        end = max(end, local_day(now, zone=zone) + timedelta(days=1))
    return first <= day < end


def has_heightened_support(rollout: Rollout) -> bool:
    """Tell whether a phase with heightened support runs: one query, none where phases are prefetched."""
    return any(
        phase.support == SupportLevel.HEIGHTENED and phase.status == PhaseStatus.RUNNING
        for phase in rollout.phases.all()
    )


def list_on_duty(*, day: date, site_ids: Iterable[int]) -> list[SupportShift]:
    """Return who is on duty on a day for any of these sites, or for every one: one query."""
    rows = SupportShift.objects.filter(starts_on__lte=day, ends_on__gt=day)
    return list(rows.filter(Q(site=None) | Q(site__in=list(site_ids))).select_related("site").order_by("site", "pk"))


def list_duty(*, day: date) -> list[SupportShift]:
    """Return who is on duty on a day anywhere, for every site first: one query."""
    return list_shifts(since=day, until=day + timedelta(days=1))


def find_duty(rollout: Rollout, *, now: datetime) -> list[SupportShift] | None:
    """Return who is on duty today for a rollout's sites, None where its phase asks for no more than usual."""
    if rollout.status not in PROMISED or not has_heightened_support(rollout):
        return None
    day = local_day(now, zone=ZoneInfo(rollout.zone))
    return list_on_duty(day=day, site_ids=[row.site_id for row in rollout.rollout_sites.all()])


def list_duty_at(site: Site, *, now: datetime) -> list[SupportShift] | None:
    """Return who is on duty today for a site that a phase with heightened support concerns, None where none does."""
    heightened = Phase.objects.filter(
        support=SupportLevel.HEIGHTENED,
        status=PhaseStatus.RUNNING,
        rollout__status__in=PROMISED,
        rollout__is_rehearsal=False,
        rollout__rollout_sites__site=site,
    )
    if not heightened.exists():
        return None
    return list_on_duty(day=local_day(now, zone=ZoneInfo(site.time_zone)), site_ids=[site.pk])


def list_arriving(site: Site, *, now: datetime) -> list[Flag]:
    """Return the flags that a real rollout brings to a site on its own day today, done or to come: one query.

    What was taken back since, the flag or the site, does not arrive any more.
    """
    since, until = day_bounds(local_day(now, zone=ZoneInfo(site.time_zone)), zone=ZoneInfo(site.time_zone))
    steps = Step.objects.filter(
        site=site, due_at__gte=since, due_at__lt=until, rollout__status__in=PROMISED, rollout__is_rehearsal=False
    ).exclude(status=StepStatus.SKIPPED)
    of_step = {"rollout": OuterRef("rollout"), "flag": OuterRef("flag")}
    taken_back = RolloutFlag.objects.filter(**of_step, rolled_back_at__isnull=False)
    shut = Rule.objects.filter(
        site=site,
        phase=TAKEN_BACK,
        state__flag=OuterRef("flag"),
        state__environment=OuterRef("rollout__environment"),
    )
    steps = steps.exclude(Exists(taken_back)).exclude(Exists(shut))
    flags = Flag.objects.filter(pk__in=steps.order_by().values("flag"))
    return list(flags.select_related("note_picture").order_by("name"))
