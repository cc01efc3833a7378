"""Reads of rollouts."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import QuerySet

from flags.domain.audience import RuleKind
from health.domain.exposure import Exposure
from health.domain.verdict import Judgement
from health.queries import judge_critical_lane
from rollouts.domain.lifecycle import Status
from rollouts.models import Rollout, RolloutEvent, SchedulerHeartbeat, Step, StepStatus

#: States in which a rollout is under way and may still do something.
LIVE = (Status.SCHEDULED, Status.RUNNING, Status.PAUSED, Status.HELD)


def find_last_scheduler_beat() -> datetime | None:
    """Return when the scheduler last looked for due steps, None where it never did."""
    return SchedulerHeartbeat.objects.values_list("beat_at", flat=True).first()


def list_due_rollouts(*, now: datetime) -> list[int]:
    """Return the rollouts that may have something to do: a due step, or nothing left to do."""
    rows = Rollout.objects.filter(status__in=[Status.SCHEDULED, Status.RUNNING])
    due = rows.filter(steps__status=StepStatus.PLANNED, steps__due_at__lte=now)
    ended = rows.filter(status=Status.RUNNING).exclude(steps__status=StepStatus.PLANNED)
    return sorted(set(due.values_list("pk", flat=True)) | set(ended.values_list("pk", flat=True)))


def find_next_step(rollout: Rollout) -> Step | None:
    """Return the step that comes next, None where none is left."""
    planned = rollout.steps.filter(status=StepStatus.PLANNED).select_related("phase", "flag", "segment", "site")
    return planned.order_by("position").first()


def list_rollouts(*, environment_key: str | None = None) -> QuerySet[Rollout]:
    """Return rollouts, newest first, with their release and environment."""
    rows = Rollout.objects.select_related("release", "environment").order_by("-pk")
    return rows if environment_key is None else rows.filter(environment__key=environment_key)


def list_live_rollouts() -> QuerySet[Rollout]:
    """Return the rollouts under way."""
    return list_rollouts().filter(status__in=LIVE)


def get_story(rollout: Rollout, *, limit: int = 50) -> list[RolloutEvent]:
    """Return the newest lines of the story."""
    return list(rollout.events.order_by("-pk")[:limit])


def exposures_of(rollout: Rollout) -> list[Exposure]:
    """Return who sees each flag that is still driven, by the steps done: two queries."""
    active = set(rollout.rollout_flags.filter(is_active=True).values_list("flag_id", flat=True))
    done = rollout.steps.filter(status=StepStatus.DONE, flag_id__in=active).select_related("flag", "site")
    by_flag: dict[str, list[Step]] = {}
    for step in done.order_by("done_at", "position"):
        by_flag.setdefault(step.flag.key, []).append(step)
    newest = max(by_flag, key=lambda key: _last_done(by_flag[key]), default=None)
    return [
        Exposure(
            flag_key=key,
            environment_key=rollout.environment.key,
            since=steps[0].done_at or rollout.start_at,
            everyone=any(step.audience_kind == RuleKind.EVERYONE for step in steps),
            site_keys=frozenset(step.site.key for step in steps if step.site is not None),
            subject=f"rollout:{rollout.pk}",
            epoch=rollout.epoch,
            is_newest=key == newest,
        )
        for key, steps in sorted(by_flag.items())
    ]


def _last_done(steps: Sequence[Step]) -> tuple[datetime, int]:
    last = steps[-1]
    return last.done_at or last.due_at, last.position


def judge_rollout(rollout: Rollout, *, now: datetime) -> list[Judgement]:
    """Return the critical lane's judgement on each exposed flag."""
    return judge_critical_lane(exposures=exposures_of(rollout), now=now)


def list_steps_due_within(*, now: datetime, span: timedelta) -> QuerySet[Step]:
    """Return planned steps of real rollouts due in [now, now + span)."""
    return Step.objects.filter(
        status=StepStatus.PLANNED,
        due_at__gte=now,
        due_at__lt=now + span,
        rollout__status__in=[Status.SCHEDULED, Status.RUNNING],
        rollout__is_rehearsal=False,
    ).select_related("rollout__release", "rollout__environment", "flag", "site", "segment")
