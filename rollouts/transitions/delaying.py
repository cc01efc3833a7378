"""The scheduler's last look at the day before a step: what may not go out today goes on another day, and says why."""

from datetime import datetime, timedelta

from core.actors import SCHEDULER
from core.domain.business_time import local_day
from core.history import save_many
from rollouts.domain.planning import RehearsalDays, delay_sites
from rollouts.domain.templates import PhaseKind
from rollouts.models import Phase, Rollout, Step, StepStatus
from rollouts.site_queries import list_rollout_sites
from rollouts.story import add_event
from rollouts.transitions.redating import MoveCause, find_move_cause, redate_rest, tell_moved

REASON_ONE_A_DAY = "One site a day stays one site a day after a delay"
ONE_DAY = timedelta(days=1)


def leave_closed_day(rollout: Rollout, step: Step, *, now: datetime) -> bool:
    """Move a real plan's due step on where nothing may go out to its audience today; True where it was moved.

    A freeze stops it, and days on which its site, or every site, takes no change, however late it is.
    """
    if rollout.day_seconds is not None:
        return False
    sites = list_rollout_sites(rollout)
    today = local_day(now, zone=step.zone)
    cause = find_move_cause(step, today, sites=sites)
    if cause is None:
        return False
    tell_moved(rollout, cause, redate_rest(rollout, step, new_on=today, sites=sites), now=now)
    return True


def leave_taken_day(rollout: Rollout, step: Step, *, now: datetime) -> bool:
    """Move a site on that has not begun where another one had its day today; True where it was moved."""
    if step.phase.kind != PhaseKind.PER_SITE or not _is_day_taken(rollout, step, now=now):
        return False
    if rollout.day_seconds is not None:
        _replan_rehearsal(rollout, step, day_seconds=rollout.day_seconds, now=now)
        return True
    sites = list_rollout_sites(rollout)
    tomorrow = local_day(now, zone=step.zone) + ONE_DAY
    moved = redate_rest(rollout, step, new_on=tomorrow, sites=sites)
    tell_moved(rollout, MoveCause("sites_delayed", REASON_ONE_A_DAY, {}), moved, now=now)
    return True


def _is_day_taken(rollout: Rollout, step: Step, *, now: datetime) -> bool:
    """Tell whether another site had its day today and this one has not begun."""
    done = step.phase.steps.filter(status=StepStatus.DONE)
    last = done.exclude(site=step.site).select_related("site").order_by("-done_at").first()
    if last is None or last.done_at is None or done.filter(site=step.site).exists():
        return False
    if rollout.day_seconds is not None:
        # Half a day of tolerance: a worker a moment late must not push every later site on.
        return now - last.done_at < timedelta(seconds=rollout.day_seconds / 2)
    return local_day(last.done_at, zone=last.zone) == local_day(now, zone=step.zone)


def _replan_rehearsal(rollout: Rollout, step: Step, *, day_seconds: int, now: datetime) -> None:
    """Give a rehearsal's coming sites new numbered days: none earlier than planned, one a day, in order."""
    late = list(step.phase.steps.filter(status=StepStatus.PLANNED).select_related("site").order_by("position"))
    sites = list(dict.fromkeys(row.site for row in late if row.site is not None))
    due = {row.site_id: row.due_at for row in late}
    plan_sites = list_rollout_sites(rollout)
    moments = delay_sites(
        sites=[plan_sites[site.pk] for site in sites],
        promotion_time=rollout.promotion_time,
        days=RehearsalDays(start_at=now, day_seconds=day_seconds),
        planned=[due[site.pk] for site in sites],
        not_before=now + timedelta(microseconds=1),
    )
    moved = dict(zip((site.pk for site in sites), moments, strict=True))
    changed = []
    for row in late:
        if row.site_id in moved and row.due_at != moved[row.site_id]:
            row.due_at = moved[row.site_id]
            changed.append(row)
    save_many(changed, ["due_at"])
    _push_following(rollout, step.phase, last=moments[-1], day_seconds=day_seconds)
    keys = [site.key for site in sites if due[site.pk] != moved[site.pk]]
    add_event(rollout, kind="sites_delayed", actor=SCHEDULER, reason=REASON_ONE_A_DAY, now=now, data={"sites": keys})


def _push_following(rollout: Rollout, phase: Phase, *, last: datetime, day_seconds: int) -> None:
    """Keep the phases behind a delayed one behind it: each a numbered day later, counted from its `last` change."""
    days = RehearsalDays(start_at=last, day_seconds=day_seconds)
    phase.ends_at = max(phase.ends_at, days.moment(2, rollout.promotion_time) - timedelta(seconds=1))
    phase.save()
    for number, later in enumerate(rollout.phases.filter(position__gt=phase.position).order_by("position"), 2):
        due_at = days.moment(number, rollout.promotion_time)
        rows = list(later.steps.filter(status=StepStatus.PLANNED))
        for row in rows:
            row.due_at = max(row.due_at, due_at)
        save_many(rows, ["due_at"])
        later.starts_at = max(later.starts_at, due_at)
        later.ends_at = max(later.ends_at, days.moment(number + 1, rollout.promotion_time))
        later.save()
