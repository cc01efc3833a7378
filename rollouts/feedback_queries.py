"""Reads of daily feedback: who may give some, how much there is, what was said."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from core.domain.business_time import day_bounds, local_day
from flags.domain.opening import each_day
from flags.models import Flag, SegmentMember
from rollouts.domain.feedback import GRACE, LINK_DAYS, Door, FeedbackState, keep_last
from rollouts.domain.lifecycle import ENDED, UNDER_WAY
from rollouts.domain.plan_day import BEFORE_NEXT
from rollouts.domain.templates import Gate, PhaseKind
from rollouts.feedback_links import Link
from rollouts.models import Feedback, Phase, PhaseStatus, Rollout, StepStatus
from rollouts.site_queries import list_rollout_sites

ONE_DAY = timedelta(days=1)


def asks_for_feedback(phase: Phase) -> bool:
    """Tell whether a phase's people may give feedback: pilots always, others where its gate asks."""
    return phase.kind == PhaseKind.PILOT or Gate.FEEDBACK in phase.gates


def list_people(phase: Phase) -> QuerySet[SegmentMember]:
    """Return the people a phase is for, by name."""
    segments = phase.steps.exclude(segment=None).order_by().values("segment")
    return SegmentMember.objects.filter(segment__in=segments).order_by("label", "targeting_key")


def weigh_feedback(phase: Phase, *, now: datetime) -> FeedbackState:
    """Return how much feedback there is since the phase's last open day began: at most five queries.

    What comes late counts: it says more than nothing.
    """
    people = list_people(phase).order_by().values("targeting_key")
    given = Feedback.objects.filter(
        rollout=phase.rollout,
        attempt=phase.rollout.attempt,
        received_at__gte=_find_last_open_day(phase, now=now),
        targeting_key__in=people,
    )
    have = given.order_by().values("targeting_key").distinct().count()
    return FeedbackState(have, people.distinct().count())


def _find_last_open_day(phase: Phase, *, now: datetime) -> datetime:
    """Return when the last of the phase's days began on which a site was open; of a rehearsal's, its own start."""
    rollout = phase.rollout
    if rollout.is_rehearsal:
        return phase.starts_at
    zone = ZoneInfo(rollout.zone)
    first = local_day(phase.starts_at, zone=zone)
    end = min(local_day(now, zone=zone) + ONE_DAY, local_day(phase.ends_at + BEFORE_NEXT, zone=zone))
    sites = list_rollout_sites(rollout).values()
    days = reversed(list(each_day(first, end)))
    last = next((day for day in days if any(site.view(day).is_open for site in sites)), first)
    return day_bounds(last, zone=zone)[0]


def find_door(rollout: Rollout, link: Link, *, now: datetime) -> Door:
    """Tell whether a link of this rollout takes feedback now: two queries and one for each phase that asks."""
    if rollout.status in ENDED or not _is_fresh(link, rollout, now=now):
        return Door.OVER
    phases = [
        phase
        for phase in rollout.phases.order_by("position")
        if asks_for_feedback(phase) and list_people(phase).filter(targeting_key=link.targeting_key).exists()
    ]
    if rollout.status in UNDER_WAY and any(_is_open(phase, now=now) for phase in phases):
        return Door.OPEN
    return Door.EARLY if any(phase.status == PhaseStatus.PENDING for phase in phases) else Door.OVER


def _is_fresh(link: Link, rollout: Rollout, *, now: datetime) -> bool:
    return local_day(now, zone=ZoneInfo(rollout.zone)) < link.issued_on + timedelta(days=LINK_DAYS)


def _is_open(phase: Phase, *, now: datetime) -> bool:
    """Tell whether a phase takes feedback: while it runs, however long, and for a day after its end."""
    if phase.status == PhaseStatus.RUNNING:
        return True
    return phase.status == PhaseStatus.DONE and now < phase.ends_at + GRACE


def list_flags_tried(rollout: Rollout) -> list[Flag]:
    """Return the flags that somebody of the rollout has and that are still driven, in its order: one query."""
    done = rollout.steps.filter(status=StepStatus.DONE).order_by().values("flag")
    rows = rollout.rollout_flags.filter(is_active=True, flag__in=done).select_related("flag").order_by("position")
    return [row.flag for row in rows]


def list_feedback(rollout: Rollout, *, since: date, until: date) -> list[Feedback]:
    """Return the answers that stand of the days [since, until), newest first, with flag and words: one query."""
    rows = rollout.feedback.filter(day__gte=since, day__lt=until, attempt=rollout.attempt)
    stand = keep_last(rows.select_related("flag", "words").order_by("pk"))
    return sorted(stand, key=lambda row: row.pk, reverse=True)


def name_people(rollout: Rollout) -> dict[str, str]:
    """Return the names of a rollout's people by targeting key, the key itself where one has none: one query."""
    segments = rollout.steps.exclude(segment=None).order_by().values("segment")
    rows = SegmentMember.objects.filter(segment__in=segments)
    return {key: label or key for key, label in rows.values_list("targeting_key", "label")}
