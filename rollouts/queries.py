"""Reads of rollouts."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Prefetch, QuerySet

from core.searching import fits
from flags.models import Environment, Segment, SegmentMember, Site
from health.alert_queries import judge_alert_lane
from health.domain.exposure import Exposure
from health.domain.verdict import Judgement
from health.queries import judge_critical_lane
from health.query_queries import judge_query_lanes
from health.share_queries import judge_looks
from rollouts.domain.gates import weigh_verdicts
from rollouts.domain.lifecycle import DRIVEN, PROMISED, Status
from rollouts.domain.overnight import NO_DATA, carry_passes
from rollouts.effective_guardrail import EffectiveGuardrails, get_effective_guardrails
from rollouts.exposure_queries import exposures_of
from rollouts.hand_queries import list_flags_off
from rollouts.models import (
    Release,
    Rollout,
    RolloutEvent,
    RolloutFlag,
    SchedulerHeartbeat,
    Step,
    StepStatus,
)
from rollouts.overnight import find_last_open_day, list_spells
from rollouts.shut_queries import list_shut_sites
from rollouts.template_queries import guess_template

#: Steps of one audience this close are one line of the story.
TOGETHER = timedelta(seconds=2)
FRIDAY = 5
#: A story's lines, and the events it is put together from: fifty flags go on at a site as one line.
MOST_LINES, MOST_EVENTS = 80, 4_000


def find_last_scheduler_beat() -> datetime | None:
    """Return when the scheduler last looked for due steps, None where it never did."""
    return SchedulerHeartbeat.objects.values_list("beat_at", flat=True).first()


def list_due_rollouts(*, now: datetime) -> list[int]:
    """Return the rollouts that may have something to do: a due step, or nothing left to do.

    One whose step failed lately is left alone until it is its turn again.
    """
    rows = Rollout.objects.filter(status__in=DRIVEN)
    rows = rows.exclude(step_fault__next_attempt_at__gt=now)
    due = rows.filter(steps__status=StepStatus.PLANNED, steps__due_at__lte=now)
    ended = rows.filter(status=Status.RUNNING).exclude(steps__status=StepStatus.PLANNED)
    return sorted(set(due.values_list("pk", flat=True)) | set(ended.values_list("pk", flat=True)))


def find_next_step(rollout: Rollout) -> Step | None:
    """Return the step that comes next, None where none is left."""
    planned = rollout.steps.filter(status=StepStatus.PLANNED).select_related("phase", "flag", "segment", "site")
    return planned.order_by("position").first()


def list_rollouts(*, environment_key: str = "", status: str = "") -> QuerySet[Rollout]:
    """Return rollouts, newest first, with release and environment; an empty filter keeps all."""
    rows = Rollout.objects.select_related("release", "environment").order_by("-pk")
    if environment_key:
        rows = rows.filter(environment__key=environment_key)
    return rows.filter(status=status) if status else rows


def list_releases() -> QuerySet[Release]:
    """Return releases, newest first, with their flags in order and their rollouts: four queries."""
    return Release.objects.order_by("-pk").prefetch_related(
        "release_flags__flag", Prefetch("rollouts", list_rollouts())
    )


def list_live_rollouts() -> QuerySet[Rollout]:
    """Return the rollouts under way, real ones before rehearsals."""
    return list_rollouts().filter(status__in=PROMISED).order_by("is_rehearsal", "-pk")


def search_rollouts(words: Sequence[str]) -> QuerySet[Rollout]:
    """Return the rollouts whose release or environment has these words, newest first."""
    return list_rollouts().filter(fits(words, "release__version", "release__name", "environment__key"))


def search_releases(words: Sequence[str]) -> QuerySet[Release]:
    """Return the releases with these words, newest first."""
    return Release.objects.filter(fits(words, "version", "name", "notes"))


@dataclass(frozen=True)
class StoryLine:
    """One line of the story: an event, and how many alike happened with it (a site's flags go on together)."""

    event: RolloutEvent
    count: int


def get_story(rollout: Rollout) -> list[StoryLine]:
    """Return the newest lines of the story, steps for the same audience at the same time as one."""
    lines: list[StoryLine] = []
    for event in rollout.events.order_by("-pk")[:MOST_EVENTS].iterator(chunk_size=MOST_LINES):
        if lines and _is_alike(lines[-1].event, event):
            lines[-1] = StoryLine(event, lines[-1].count + 1)
        elif len(lines) == MOST_LINES:
            break
        else:
            lines.append(StoryLine(event, 1))
    return lines


def _is_alike(later: RolloutEvent, earlier: RolloutEvent) -> bool:
    return (
        later.kind == earlier.kind == "step_done"
        and later.data.get("audience") == earlier.data.get("audience")
        and later.at - earlier.at < TOGETHER
    )


@dataclass(frozen=True)
class TakeableFlag:
    """A flag that can be taken back, and at how many sites it is on; `is_switched_off` where it is off already."""

    row: RolloutFlag
    sites: int
    is_on: bool
    is_switched_off: bool


def list_takeable(rollout: Rollout) -> list[TakeableFlag]:
    """Return the rollout's flags that are still driven, in order: four queries."""
    done: Iterable[tuple[int, int | None]] = rollout.steps.filter(status=StepStatus.DONE).values_list(
        "flag_id", "site_id"
    )
    sites: dict[int, set[int]] = {}
    for flag_id, site_id in done:
        sites.setdefault(flag_id, set()).update([] if site_id is None else [site_id])
    rows = rollout.rollout_flags.filter(is_active=True).select_related("flag").order_by("position")
    off = list_flags_off(rollout)
    return [
        TakeableFlag(row, len(sites.get(row.flag_id, ())), row.flag_id in sites, row.flag.key in off) for row in rows
    ]


def list_exposed_sites_of(rollout: Rollout) -> list[Site]:
    """Return the sites at which a step of a flag that is still driven is done, by name: two queries.

    One that was taken back is none of them.
    """
    active = rollout.rollout_flags.filter(is_active=True).values("flag_id")
    done = rollout.steps.filter(status=StepStatus.DONE, flag__in=active, site__isnull=False)
    shut = [site.pk for site in list_shut_sites(rollout)]
    return list(Site.objects.filter(pk__in=done.values("site")).exclude(pk__in=shut).order_by("name"))


def judge_rollout(rollout: Rollout, *, now: datetime) -> list[Judgement]:
    """Return each lane's judgement on each exposed flag."""
    exposures = exposures_of(rollout)
    guardrails = get_effective_guardrails(rollout)
    return [*judge_critical_lane(exposures=exposures, now=now), *judge_lanes(guardrails, exposures, now=now)]


def judge_lanes(guardrails: EffectiveGuardrails, exposures: Sequence[Exposure], *, now: datetime) -> list[Judgement]:
    """Return the judgement of each lane that is not off on each exposed flag, without remembering anything."""
    looks, alerts = guardrails.list_looks(exposures), guardrails.list_alert_looks(exposures)
    judged = [
        *judge_looks(looks, now=now),
        *judge_alert_lane(exposures=[look.exposure for look in alerts], now=now),
    ]
    return [
        *(one for look, one in zip([*looks, *alerts], judged, strict=True) if not look.is_idle(one)),
        *judge_query_lanes(guardrails.list_query_looks(exposures), now=now),
    ]


def weigh_for_gates(rollout: Rollout, judgements: Sequence[Judgement], *, now: datetime) -> list[tuple[str, str]]:
    """Return (flag key, worst verdict) of the lanes that guard the gates: one query, five where some have no data.

    A real phase begins before the shops open: what was said until they closed counts.
    """
    if not rollout.is_rehearsal and any(item.code in NO_DATA for item in judgements):
        since = find_last_open_day(rollout, now=now)
        if since is not None:
            judgements = carry_passes(judgements, list_spells(rollout, now=now), since=since)
    guardrails = get_effective_guardrails(rollout)
    counted = [item for item in judgements if guardrails.does_guard_gates(item.lane, item.flag_key)]
    return weigh_verdicts(counted, is_rehearsal=rollout.is_rehearsal)


def list_steps_due_within(*, now: datetime, span: timedelta, statuses: Collection[Status] = DRIVEN) -> QuerySet[Step]:
    """Return planned steps of real rollouts in such states that are due in [now, now + span)."""
    return Step.objects.filter(
        status=StepStatus.PLANNED,
        due_at__gte=now,
        due_at__lt=now + span,
        rollout__status__in=statuses,
        rollout__is_rehearsal=False,
    ).select_related("rollout__release", "rollout__environment", "flag", "site", "segment")


def list_steps_done_within(*, since: datetime, until: datetime) -> QuerySet[Step]:
    """Return steps of real rollouts done in [since, until)."""
    return Step.objects.filter(
        status=StepStatus.DONE, done_at__gte=since, done_at__lt=until, rollout__is_rehearsal=False
    )


def list_steps_together(step: Step) -> QuerySet[Step]:
    """Return the steps of one moment for one audience, this one among them, in order."""
    return list_steps_of_audience(step).filter(due_at=step.due_at)


def list_steps_of_audience(step: Step) -> QuerySet[Step]:
    """Return its phase's steps for the same people, site or share, whatever their moment, in order."""
    return Step.objects.filter(
        phase=step.phase_id,
        audience_kind=step.audience_kind,
        segment=step.segment_id,
        site=step.site_id,
        share_bp=step.share_bp,
    ).order_by("position")


def list_tester_segments() -> QuerySet[Segment]:
    """Return the segments that can test: all but those a rollout made for its own pilots."""
    return Segment.objects.exclude(pk__in=Rollout.objects.exclude(pilots=None).values("pilots"))


def guess_plan(environment: Environment | None, *, today: date) -> dict[str, object]:
    """Return what a plan most likely says first: newest release, next weekday, the last plan's testers and pilots.

    The person sees and changes it before anything is drawn.
    """
    ahead = (today + timedelta(days=n) for n in range(1, 4))
    guess: dict[str, object] = {
        "release": Release.objects.order_by("-pk").first(),
        "environment": environment,
        "start_on": next(day for day in ahead if day.isoweekday() <= FRIDAY),
    }
    last = Rollout.objects.select_related("template_version").order_by("-pk").first()
    guess["template"] = guess_template(last)
    testers = list_tester_segments()
    if last:
        members = SegmentMember.objects.filter(segment=last.pilots_id)
        guess["pilots"] = list(members.values_list("targeting_key", flat=True))
        testers = testers.filter(pk=last.testers_id) if last.testers_id else testers
    return guess | {"testers": testers.first()}
