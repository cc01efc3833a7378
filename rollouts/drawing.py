"""Draws a plan before anybody confirms it: dated phases, what is odd, what it meets. Writes nothing."""

from collections.abc import Container, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.domain.business_time import local_day
from core.errors import InvalidInput
from flags.models import Flag, Segment
from flags.transitions import NewMember
from rollouts.conflicts import Conflicts, find_conflicts
from rollouts.domain.approving import hash_content
from rollouts.domain.freezing import find_freeze
from rollouts.domain.planning import (
    REHEARSAL_DAY_SECONDS_LEAST,
    CalendarDays,
    Days,
    PlannedPhase,
    PlanSite,
    RehearsalDays,
    check_plan,
    plan_phases,
)
from rollouts.domain.skipping import Skips, explain_skips
from rollouts.domain.template_document import read_phases
from rollouts.domain.templates import PhaseTemplate
from rollouts.models import ReleaseFlag, Rollout
from rollouts.site_queries import list_freezes_of, list_plan_sites, list_rollout_sites
from rollouts.template_queries import get_template_version


@dataclass(frozen=True)
class PlanRequest:
    """What a release manager chose. `start_on` for real days, `day_seconds` for a rehearsal.

    Without a template's version it is the newest of the built-in one; testers and pilots where the template
    asks for them.

    `zone` is the plan's: of its days, and of `promotion_time` wherever a step is not one site's.
    """

    release_id: int
    environment_id: int
    site_ids: tuple[int, ...]
    testers_id: int | None = None
    pilots: tuple[NewMember, ...] = ()
    start_on: date | None = None
    day_seconds: int | None = None
    promotion_time: time = time(6)
    zone: str = "Europe/Paris"
    template_version_id: int | None = None
    is_repeated: bool = False
    allows_holidays: bool = False
    request_id: str = ""

    @property
    def is_rehearsal(self) -> bool:
        return self.day_seconds is not None

    @property
    def content_hash(self) -> str:
        """The SHA-256, hex, of all that is asked for; people by their targeting keys, for their names may change."""
        asked = asdict(replace(self, pilots=(), request_id=""))
        told = {name: value if value is None or isinstance(value, int) else str(value) for name, value in asked.items()}
        return hash_content(told | {"pilots": [member.targeting_key for member in self.pilots]})


@dataclass(frozen=True)
class Plan:
    """A plan as shown before confirming: the template's phases, the same with dated steps, codes of what is odd,
    days left out, and what it meets."""

    template: tuple[PhaseTemplate, ...]
    phases: tuple[PlannedPhase, ...]
    warnings: tuple[str, ...]
    skips: Skips
    conflicts: Conflicts


def draw_plan(request: PlanRequest, *, now: datetime) -> Plan:
    """Return the dated plan; refuse what cannot be planned."""
    flags = list_planned_flags(request)
    known = _list_plan_sites(request)
    sites = [known[pk] for pk in request.site_ids]
    template = read_phases(get_template_version(request.template_version_id).phases)
    has_testers = _has_testers(request)
    warnings = check_plan(
        template,
        flag_keys=[flag.key for flag in flags],
        sites=sites,
        pilots=len(request.pilots),
        has_testers=has_testers,
    )
    phases = plan_phases(
        template,
        flag_keys=[flag.key for flag in flags],
        sites=sites,
        promotion_time=request.promotion_time,
        days=_days(request, sites=sites, now=now),
    )
    if not request.is_rehearsal and phases[0].starts_at <= now:
        raise InvalidInput("start_in_past", start_on=str(request.start_on))
    zone = ZoneInfo(request.zone)
    start_on = None if request.is_rehearsal else request.start_on
    skips: Skips = {}
    if start_on is not None:
        skips = explain_skips(phases, sites=sites, start_on=start_on, zone=zone)
        warnings += _look_at_start(phases, sites=sites, start_on=start_on, zone=zone)
    conflicts = find_conflicts(
        environment_id=request.environment_id,
        flag_ids=[flag.pk for flag in flags],
        phases=phases,
        sites=known,
        start_on=start_on,
        zone=zone,
    )
    return Plan(template, phases, tuple(warnings), skips, conflicts)


def _has_testers(request: PlanRequest) -> bool:
    """Return whether anybody tests; refuse a pilot who is named twice."""
    if len({member.targeting_key for member in request.pilots}) != len(request.pilots):
        raise InvalidInput("pilot_twice")
    if request.testers_id is None:
        return False
    testers = Segment.objects.filter(pk=request.testers_id).first()
    return testers is not None and not testers.is_empty


def _look_at_start(
    phases: Sequence[PlannedPhase], *, sites: Sequence[PlanSite], start_on: date, zone: ZoneInfo
) -> list[str]:
    """Return a code where the plan begins later than asked; a freeze speaks for itself."""
    is_asked = local_day(phases[0].starts_at, zone=zone) == start_on
    is_frozen = any(find_freeze(site.freezes, start_on) for site in sites)
    return [] if is_asked or is_frozen else ["start_closed"]


def _days(request: PlanRequest, *, sites: Sequence[PlanSite], now: datetime) -> Days:
    if request.day_seconds is not None:
        if request.day_seconds < REHEARSAL_DAY_SECONDS_LEAST:
            raise InvalidInput("day_too_short", least=REHEARSAL_DAY_SECONDS_LEAST)
        return RehearsalDays(start_at=now, day_seconds=request.day_seconds)
    if request.start_on is None:
        raise InvalidInput("start_missing")
    zone = ZoneInfo(request.zone)
    if request.start_on < local_day(now, zone=zone):
        raise InvalidInput("start_in_past", start_on=str(request.start_on))
    return CalendarDays(start_on=request.start_on, sites=sites, zone=zone)


def plan_again(rollout: Rollout, *, now: datetime) -> tuple[PlannedPhase, ...]:
    """Return a stored plan's phases dated anew: a rehearsal from now, real days from tomorrow on.

    Same flags, sites, template and hour, so the same steps in the same order.
    """
    sites = list(list_rollout_sites(rollout).values())
    zone = ZoneInfo(rollout.zone)
    tomorrow = local_day(now, zone=zone) + timedelta(days=1)
    days: Days = (
        CalendarDays(start_on=tomorrow, sites=sites, zone=zone)
        if rollout.day_seconds is None
        else RehearsalDays(start_at=now, day_seconds=rollout.day_seconds)
    )
    return plan_phases(
        read_phases(rollout.template_version.phases),
        flag_keys=list(rollout.rollout_flags.order_by("position").values_list("flag__key", flat=True)),
        sites=sites,
        promotion_time=rollout.promotion_time,
        days=days,
    )


def list_planned_flags(request: PlanRequest) -> list[Flag]:
    """Return the flags that the request's release would switch, in its order."""
    rows = ReleaseFlag.objects.filter(release_id=request.release_id, flag__archived_at=None)
    return [row.flag for row in rows.select_related("flag").order_by("position")]


def _list_plan_sites(request: PlanRequest) -> dict[int, PlanSite]:
    freezes = () if request.is_rehearsal else list_freezes_of(request.environment_id)
    found = list_plan_sites(request.site_ids, freezes=freezes, allows_holidays=request.allows_holidays)
    check_sites_known(request, found)
    return found


def check_sites_known(request: PlanRequest, found: Container[int]) -> None:
    """Refuse a request that names a site nobody knows."""
    if missing := [pk for pk in request.site_ids if pk not in found]:
        raise InvalidInput("site_unknown", site=missing[0])
