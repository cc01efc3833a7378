"""Writes a rollout as it was drawn: a draft with dated steps."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, time
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.text import slugify

from core.actors import Actor
from core.domain.business_time import at_local
from core.errors import InvalidInput, Refusal
from core.history import Recording, create_many, recorded
from flags.domain.audience import RuleKind
from flags.models import Environment, Flag, Segment, Site
from flags.transitions import create_segment
from flags.transitions.locking import get_locked_segment
from rollouts.domain.planning import PlannedStep, StepAudience
from rollouts.domain.templates import PhaseTemplate, needs_pilots, needs_testers
from rollouts.drawing import Plan, PlanRequest, check_sites_known, draw_plan, list_planned_flags
from rollouts.models import CheckItem, Phase, Release, ReleaseFlag, Rollout, RolloutFlag, RolloutSite, Step
from rollouts.story import add_event
from rollouts.template_queries import get_template_version


def _lock_flags(request: PlanRequest) -> None:
    """Lock the release's flags, so that none is archived between the plan's drawing and its writing."""
    flags = ReleaseFlag.objects.filter(release_id=request.release_id).values("flag_id")
    list(Flag.objects.select_for_update(of=("self",)).filter(pk__in=flags).order_by("pk"))


def _list_sites(request: PlanRequest) -> list[Site]:
    found = Site.objects.in_bulk(request.site_ids)
    check_sites_known(request, found)
    return [found[pk] for pk in request.site_ids]


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
    flags = list_planned_flags(request)
    sites = _list_sites(request)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        rollout = _save_rollout(request, plan, recording)
        create_many(
            [
                RolloutFlag(rollout=rollout, flag=flag, environment=rollout.environment, position=position)
                for position, flag in enumerate(flags, start=1)
            ]
        )
        create_many(
            [RolloutSite(rollout=rollout, site=site, position=position) for position, site in enumerate(sites, start=1)]
        )
        _save_phases(rollout, plan, flags=flags, sites=sites)
        add_event(rollout, kind="planned", actor=actor, reason=recording.reason, now=now)
    return rollout


def _save_rollout(request: PlanRequest, plan: Plan, recording: Recording) -> Rollout:
    """Write what a plan's parts hang on: the rollout, and its pilots' segment where the template asks for pilots."""
    release = Release.objects.get(pk=request.release_id)
    environment = Environment.objects.filter(pk=request.environment_id).first()
    if environment is None:
        raise InvalidInput("environment_unknown")
    pilots = None
    if needs_pilots(plan.template):
        pilots = create_segment(
            key=_pilot_key(release, environment),
            name=f"Pilot {release.version} → {environment.key}",
            members=request.pilots,
            actor=recording.actor,
            reason=recording.reason,
            now=recording.now,
        )
    begins = request.start_on and at_local(request.start_on, time(), zone=ZoneInfo(request.zone))
    rollout = Rollout(
        release=release,
        environment=environment,
        template_version=get_template_version(request.template_version_id),
        is_rehearsal=request.is_rehearsal,
        is_repeated=request.is_repeated,
        day_seconds=request.day_seconds,
        start_on=request.start_on if not request.is_rehearsal else None,
        start_at=begins or recording.now,
        zone=request.zone,
        allows_holidays=request.allows_holidays,
        promotion_time=request.promotion_time,
        testers_id=request.testers_id if needs_testers(plan.template) else None,
        pilots=pilots,
        created_by_id=recording.actor.user_id,
        created_at=recording.now,
        request_id=request.request_id,
        request_hash=request.content_hash if request.request_id else "",
    )
    rollout.save()
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
            guardrails=[asdict(one) for one in asked.guardrails],
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
