"""Freezes what was usual before a rollout first exposed anybody, once for each rollout."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from core.domain.business_time import local_day
from health.baseline_transitions import freeze_baseline
from health.domain.performance import BASELINE_WEEKS
from health.models import Baseline
from rollouts.exposure_queries import read_exposures
from rollouts.models import Rollback, Rollout, Step, StepStatus
from rollouts.unusual import list_days_told


def freeze_baselines(rollouts: Collection[Rollout]) -> int:
    """Freeze the baseline of each rollout that has none and exposes somebody; return how many."""
    known = set(
        Baseline.objects.filter(subject__in=[one.subject for one in rollouts]).values_list("subject", flat=True)
    )
    fresh = [one for one in rollouts if one.subject not in known]
    if not fresh:
        return 0
    exposures = read_exposures(fresh)
    frozen = 0
    for rollout in fresh:
        if not exposures[rollout.pk]:
            continue
        since = min(one.since for one in exposures[rollout.pk])
        zone = ZoneInfo(rollout.zone)
        excluded = list_unusual_days(rollout, until=since, zone=zone)
        subject = rollout.subject
        made = freeze_baseline(
            subject=subject, environment_key=rollout.environment.key, since=since, excluded=excluded, zone=zone
        )
        frozen += made is not None
    return frozen


def list_unusual_days(rollout: Rollout, *, until: datetime, zone: ZoneInfo) -> set[date]:
    """Return the days before a moment on which the release's flags were on, something was taken back or was broken.

    What was on, or went wrong, is not what is usual.
    """
    since = until - timedelta(weeks=BASELINE_WEEKS, days=1)
    flags = rollout.rollout_flags.values("flag_id")
    steps = Step.objects.filter(
        flag__in=flags, rollout__environment=rollout.environment_id, status=StepStatus.DONE, done_at__lt=until
    ).exclude(rollout=rollout)
    exposed = {
        local_day(moment, zone=zone)
        for moment in steps.filter(done_at__gte=since).values_list("done_at", flat=True)
        if moment is not None
    }
    taken = Rollback.objects.filter(
        rollout__environment=rollout.environment_id, detected_at__gte=since, detected_at__lt=until
    )
    back = {local_day(moment, zone=zone) for moment in taken.values_list("detected_at", flat=True)}
    return exposed | back | list_days_told(rollout.environment_id, since=since, until=until, zone=zone)
