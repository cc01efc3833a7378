"""Plans a rollout: a draft with dated steps."""

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.text import slugify

from core.actors import Actor
from core.domain.business_time import at_local, local_day
from core.errors import InvalidInput, Refusal
from core.history import create_many, recorded
from flags.domain.audience import RuleKind
from flags.models import Environment, Flag, Segment, Site
from flags.transitions import NewMember, create_segment
from flags.transitions.locking import get_locked_segment
from rollouts.conflicts import Conflicts, find_conflicts
from rollouts.domain.approving import hash_content
from rollouts.domain.freezing import find_freeze
from rollouts.domain.planning import (
    REHEARSAL_DAY_SECONDS_LEAST,
    CalendarDays,
    Days,
    PlannedPhase,
    PlannedStep,
    PlanSite,
    RehearsalDays,
    StepAudience,
    check_plan,
    plan_phases,
)
from rollouts.domain.skipping import Skips, explain_skips
from rollouts.domain.template_document import read_phases
from rollouts.domain.templates import PhaseTemplate, needs_pilots, needs_testers
from rollouts.models import CheckItem, Phase, Release, ReleaseFlag, Rollout, RolloutFlag, RolloutSite, Step
from rollouts.site_queries import list_freezes_of, list_plan_sites, list_rollout_sites
from rollouts.story import add_event
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
    """Return the dated plan; refuse what cannot be planned. Writes nothing."""
    flags = _list_flags(request)
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


def _list_flags(request: PlanRequest) -> list[Flag]:
    rows = ReleaseFlag.objects.filter(release_id=request.release_id, flag__archived_at=None)
    return [row.flag for row in rows.select_related("flag").order_by("position")]


def _lock_flags(request: PlanRequest) -> None:
    """Lock the release's flags, so that none is archived between the plan's drawing and its writing."""
    flags = ReleaseFlag.objects.filter(release_id=request.release_id).values("flag_id")
    list(Flag.objects.select_for_update(of=("self",)).filter(pk__in=flags).order_by("pk"))


def _list_sites(request: PlanRequest) -> list[Site]:
    found = Site.objects.in_bulk(request.site_ids)
    _check_sites(request, found)
    return [found[pk] for pk in request.site_ids]


def _list_plan_sites(request: PlanRequest) -> dict[int, PlanSite]:
    freezes = () if request.is_rehearsal else list_freezes_of(request.environment_id)
    found = list_plan_sites(request.site_ids, freezes=freezes, allows_holidays=request.allows_holidays)
    _check_sites(request, found)
    return found


def _check_sites(request: PlanRequest, found: Container[int]) -> None:
    if missing := [pk for pk in request.site_ids if pk not in found]:
        raise InvalidInput("site_unknown", site=missing[0])


@transaction.atomic
def plan_rollout(*, request: PlanRequest, actor: Actor, reason: str, now: datetime) -> Rollout:
    """Create a draft rollout with its phases and dated steps; nothing moves yet. A wish asked twice is granted once."""
    planned = _find_planned(request)
    if planned is not None:
        return planned
    _lock_flags(request)
    if request.testers_id is not None:
        get_locked_segment(request.testers_id)
    plan = draw_plan(request, now=now)
    release = Release.objects.get(pk=request.release_id)
    environment = Environment.objects.filter(pk=request.environment_id).first()
    if environment is None:
        raise InvalidInput("environment_unknown")
    flags = _list_flags(request)
    sites = _list_sites(request)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        pilots = None
        if needs_pilots(plan.template):
            pilots = create_segment(
                key=_pilot_key(release, environment),
                name=f"Pilot {release.version} → {environment.key}",
                members=request.pilots,
                actor=actor,
                reason=reason,
                now=now,
            )
        rollout = Rollout(
            release=release,
            environment=environment,
            template_version=get_template_version(request.template_version_id),
            is_rehearsal=request.is_rehearsal,
            is_repeated=request.is_repeated,
            day_seconds=request.day_seconds,
            start_on=request.start_on if not request.is_rehearsal else None,
            start_at=now
            if request.start_on is None
            else at_local(request.start_on, time(), zone=ZoneInfo(request.zone)),
            zone=request.zone,
            allows_holidays=request.allows_holidays,
            promotion_time=request.promotion_time,
            testers_id=request.testers_id if needs_testers(plan.template) else None,
            pilots=pilots,
            created_by_id=actor.user_id,
            created_at=now,
            request_id=request.request_id,
            request_hash=request.content_hash if request.request_id else "",
        )
        rollout.save()
        create_many(
            [
                RolloutFlag(rollout=rollout, flag=flag, environment=environment, position=position)
                for position, flag in enumerate(flags, start=1)
            ]
        )
        create_many(
            [RolloutSite(rollout=rollout, site=site, position=position) for position, site in enumerate(sites, start=1)]
        )
        _save_phases(rollout, plan, flags=flags, sites=sites)
        add_event(rollout, kind="planned", actor=actor, reason=recording.reason, now=now)
    return rollout


def _find_planned(request: PlanRequest) -> Rollout | None:
    """Return what was planned by the same wish before, alone with it from here on; refuse its name on another wish."""
    if not request.request_id:
        return None
    Environment.objects.select_for_update(no_key=True).filter(pk=request.environment_id).first()
    planned = Rollout.objects.filter(environment=request.environment_id, request_id=request.request_id).first()
    if planned is None:
        return None
    if planned.request_hash not in {"", request.content_hash}:
        raise Refusal("request_id_reused", request=request.request_id)
    return planned


def _pilot_key(release: Release, environment: Environment) -> str:
    number = Rollout.objects.filter(release=release, environment=environment).count() + 1
    # A version may hold what a key may not, such as the "+" before a build's number.
    stem = slugify(re.sub(r"[.+]", "-", f"pilots-{release.version}-{environment.key}"))[:90]
    while Segment.objects.filter(key=f"{stem}-{number}").exists():
        number += 1
    return f"{stem}-{number}"


def _save_phases(rollout: Rollout, plan: Plan, *, flags: Sequence[Flag], sites: Sequence[Site]) -> None:
    phases = [
        Phase(
            rollout=rollout,
            position=number,
            kind=planned.kind,
            gates=[str(gate) for gate in asked.gates],
            support=asked.support,
            error_rate_mode=asked.error_rate_mode,
            error_rate_bp=asked.error_rate_bp,
            first_day=planned.first_day,
            last_day=planned.last_day,
            starts_at=planned.starts_at,
            ends_at=planned.ends_at,
        )
        for number, (asked, planned) in enumerate(zip(plan.template, plan.phases, strict=True), start=1)
    ]
    create_many(phases)
    create_many(
        [
            CheckItem(phase=phase, position=place, text=text)
            for phase, asked in zip(phases, plan.template, strict=True)
            for place, text in enumerate(asked.checklist, start=1)
        ]
    )
    create_many(_list_steps(rollout, plan, phases, flags=flags, sites=sites))


def _list_steps(
    rollout: Rollout, plan: Plan, phases: Sequence[Phase], *, flags: Sequence[Flag], sites: Sequence[Site]
) -> list[Step]:
    flag_ids = {flag.key: flag.pk for flag in flags}
    site_ids = {site.key: site.pk for site in sites}
    segments = _find_segments(plan.template)
    steps: list[Step] = []
    for phase, planned in zip(phases, plan.phases, strict=True):
        for step in planned.steps:
            kind, segment = _stored_audience(step, rollout, segments)
            steps.append(
                Step(
                    rollout_id=rollout.pk,
                    phase_id=phase.pk,
                    position=len(steps) + 1,
                    flag_id=flag_ids[step.flag_key],
                    audience_kind=kind,
                    segment=segment,
                    site_id=site_ids.get(step.site_key),
                    share_bp=step.share_bp,
                    due_at=step.due_at,
                )
            )
    return steps


def _find_segments(template: Sequence[PhaseTemplate]) -> dict[str, Segment]:
    """Return the segments that a template names, by key, locked: one that is gone is refused."""
    keys = {phase.segment_key for phase in template} - {""}
    found = {row.key: get_locked_segment(row.pk) for row in Segment.objects.filter(key__in=keys).order_by("pk")}
    if missing := keys - found.keys():
        raise InvalidInput("template_segment_unknown", segment=min(missing))
    return found


def _stored_audience(
    step: PlannedStep, rollout: Rollout, segments: Mapping[str, Segment]
) -> tuple[RuleKind, Segment | None]:
    if step.segment_key:
        return RuleKind.SEGMENT, segments[step.segment_key]
    if step.audience == StepAudience.TESTERS:
        return RuleKind.SEGMENT, rollout.testers
    if step.audience == StepAudience.PILOTS:
        return RuleKind.SEGMENT, rollout.pilots
    return (RuleKind.SITE if step.audience == StepAudience.SITE else RuleKind.EVERYONE), None
