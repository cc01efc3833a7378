"""The scheduler's one action: do the next due step of a rollout, in one transaction."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from core.actors import SCHEDULER
from core.domain.business_time import local_day
from core.history import recorded
from core.reasons import BETWEEN, write_reason
from flags.domain.audience import RuleAudience, RuleKind
from flags.domain.bucketing import share_of
from flags.transitions import lay_rule, on_variant
from notifications.domain.audience import DRIVERS
from rollouts.domain.lifecycle import Status
from rollouts.domain.planning import CalendarDays, Days, PlanSite, RehearsalDays, delay_sites
from rollouts.domain.templates import PhaseKind
from rollouts.gate_queries import judge_phase
from rollouts.models import Phase, PhaseStatus, Rollout, Step, StepStatus
from rollouts.queries import find_next_step, judge_rollout, list_steps_together, weigh_for_gates
from rollouts.site_queries import list_rollout_sites
from rollouts.story import add_event, tell
from rollouts.transitions.catching_up import redate_if_missed
from rollouts.transitions.driving import REASON_DUE, hold_rollout, start_running
from rollouts.transitions.locking import move
from rollouts.transitions.masking import hold_if_masked

REASON_ONE_A_DAY = "One site a day stays one site a day after a delay"


@transaction.atomic
def run_next_step(*, rollout_id: int, now: datetime) -> Step | None:
    """Do the next due step; None where nothing is due, a gate does not hold, or another worker is at it.

    The rollout's row is locked with SKIP LOCKED, so two beats never do a step twice; whatever dies
    halfway has done nothing.
    """
    rollout = (
        Rollout.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("release", "environment")
        .filter(pk=rollout_id, status__in=[Status.SCHEDULED, Status.RUNNING])
        .first()
    )
    if rollout is None:
        return None
    step = find_next_step(rollout)
    if step is None:
        _end_last_phase(rollout, now=now)
        return None
    if step.due_at > now:
        return None
    with recorded(actor=SCHEDULER, reason=REASON_DUE, now=now):
        if redate_if_missed(rollout, step, now=now):
            return None
        if rollout.status == Status.SCHEDULED:
            start_running(rollout, now=now)
        is_ready = _enter_phase(rollout, step.phase, now=now) and not _delay(rollout, step, now=now)
        if not is_ready or hold_if_masked(rollout, step, now=now):
            return None
        _do(rollout, step, now=now)
    return step


def _enter_phase(rollout: Rollout, phase: Phase, *, now: datetime) -> bool:
    """Begin the step's phase where it has not begun; False where a gate before it does not hold."""
    if phase.status == PhaseStatus.RUNNING:
        return True
    running = rollout.phases.filter(status=PhaseStatus.RUNNING).first()
    if running is not None:
        if not _may_end(rollout, running, now=now):
            return False
        running.status = PhaseStatus.DONE
        running.save()
        add_event(
            rollout, kind="phase_ended", actor=SCHEDULER, reason=REASON_DUE, now=now, data={"phase": running.kind}
        )
    phase.status = PhaseStatus.RUNNING
    phase.save()
    event = add_event(
        rollout, kind="phase_started", actor=SCHEDULER, reason=REASON_DUE, now=now, data={"phase": phase.kind}
    )
    tell(event, kind="phase_started", now=now)
    return True


def _may_end(rollout: Rollout, phase: Phase, *, now: datetime) -> bool:
    if phase.gate_waived:
        return True
    results = judge_phase(phase, weigh_for_gates(rollout, judge_rollout(rollout, now=now), now=now), now=now)
    failed = [result for result in results if not result.holds]
    if not failed:
        return True
    hold_rollout(
        rollout_id=rollout.pk,
        code="gate",
        data={"phase": phase.kind, "gates": [{"code": result.code, **result.data} for result in failed]},
        actor=SCHEDULER,
        reason=BETWEEN.join(write_reason(result.code) for result in failed),
        now=now,
    )
    return False


def _delay(rollout: Rollout, step: Step, *, now: datetime) -> bool:
    """Move a step on where today is not its day; True where it was moved.

    A site gets the release on a day of its own on which it takes changes, however late; everyone, on a
    day on which any site does.
    """
    if step.phase.kind in {PhaseKind.FULL, PhaseKind.PERCENTAGE}:
        return _delay_everyone(rollout, step.phase, now=now)
    if step.phase.kind != PhaseKind.PER_SITE or step.site is None:
        return False
    reason = REASON_ONE_A_DAY
    is_apart = False
    if rollout.day_seconds is None:
        today = local_day(now, zone=step.zone)
        site = list_rollout_sites(rollout)[step.site.pk]
        is_apart = not site.takes_changes(today)
        reason = say_why_not(site, name=step.site.name, day=today) if is_apart else reason
    if not is_apart and not _is_day_taken(rollout, step, now=now):
        return False
    replan_sites(rollout, step, reason=reason, now=now)
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


def say_why_not(site: PlanSite, *, name: str, day: date) -> str:
    """Return the reason why a site gets nothing on a day."""
    view = site.view(day)
    return write_reason("site_set_apart", site=name, day=day.isoformat(), standing=view.label or view.standing)


def _delay_everyone(rollout: Rollout, phase: Phase, *, now: datetime) -> bool:
    if rollout.day_seconds is not None:
        return False
    today = local_day(now, zone=ZoneInfo(rollout.zone))
    if any(site.takes_changes(today) for site in list_rollout_sites(rollout).values()):
        return False
    due_at = _days_from(rollout, now).moment(1, rollout.promotion_time)
    for row in phase.steps.filter(status=StepStatus.PLANNED):
        row.due_at = due_at
        row.save()
    _push_following(rollout, phase, last=due_at)
    reason = write_reason("no_site_open", day=today.isoformat())
    add_event(rollout, kind="everyone_delayed", actor=SCHEDULER, reason=reason, now=now)
    return True


def replan_sites(rollout: Rollout, step: Step, *, reason: str, now: datetime) -> None:
    """Give the planned sites of the step's phase new days: none earlier than planned, one a day, in order."""
    late = list(step.phase.steps.filter(status=StepStatus.PLANNED).select_related("site").order_by("position"))
    sites = list(dict.fromkeys(row.site for row in late if row.site is not None))
    due = {row.site_id: row.due_at for row in late}
    plan_sites = list_rollout_sites(rollout)
    moments = delay_sites(
        sites=[plan_sites[site.pk] for site in sites],
        promotion_time=rollout.promotion_time,
        days=_days_from(rollout, now),
        planned=[due[site.pk] for site in sites],
        not_before=now + timedelta(microseconds=1),
    )
    moved = dict(zip((site.pk for site in sites), moments, strict=True))
    for row in late:
        if row.site_id in moved and row.due_at != moved[row.site_id]:
            row.due_at = moved[row.site_id]
            row.save()
    _push_following(rollout, step.phase, last=moments[-1])
    keys = [site.key for site in sites if due[site.pk] != moved[site.pk]]
    add_event(rollout, kind="sites_delayed", actor=SCHEDULER, reason=reason, now=now, data={"sites": keys})


def _days_from(rollout: Rollout, now: datetime) -> Days:
    if rollout.day_seconds is not None:
        return RehearsalDays(start_at=now, day_seconds=rollout.day_seconds)
    zone = ZoneInfo(rollout.zone)
    sites = list(list_rollout_sites(rollout).values())
    return CalendarDays(start_on=local_day(now, zone=zone), sites=sites, zone=zone)


def _push_following(rollout: Rollout, phase: Phase, *, last: datetime) -> None:
    """Keep the phases behind a delayed one behind it: each a plan day later, counted from its `last` change."""
    days = _days_from(rollout, last)
    phase.ends_at = max(phase.ends_at, days.moment(2, rollout.promotion_time) - timedelta(seconds=1))
    phase.save()
    for number, later in enumerate(rollout.phases.filter(position__gt=phase.position).order_by("position"), 2):
        due_at = days.moment(number, rollout.promotion_time)
        for row in later.steps.filter(status=StepStatus.PLANNED):
            row.due_at = max(row.due_at, due_at)
            row.save()
        later.starts_at = max(later.starts_at, due_at)
        later.ends_at = max(later.ends_at, days.moment(number + 1, rollout.promotion_time))
        later.save()


def _do(rollout: Rollout, step: Step, *, now: datetime) -> None:
    row = rollout.rollout_flags.get(flag_id=step.flag_id)
    if not row.is_active:
        step.status = StepStatus.SKIPPED
        step.save()
        return
    audience = RuleAudience(RuleKind(step.audience_kind), segment_id=step.segment_id, site_id=step.site_id)
    variant = on_variant(step.flag)
    lay_rule(
        flag_id=step.flag_id,
        environment_id=rollout.environment_id,
        audience=audience,
        variant="" if step.share_bp else variant,
        split=share_of(variant, step.share_bp, rest=step.flag.off_variant) if step.share_bp else (),
        phase=step.phase.kind,
        origin=f"rollout:{rollout.pk}:{rollout.attempt}",
        actor=SCHEDULER,
        reason=write_reason(
            "rule_added",
            release=rollout.release.version,
            environment=rollout.environment.key,
            phase=step.phase.kind,
        ),
        now=now,
    )
    step.status = StepStatus.DONE
    step.done_at = now
    step.save()
    event = add_event(
        rollout,
        kind="step_done",
        actor=SCHEDULER,
        reason=REASON_DUE,
        now=now,
        data={"flag": step.flag.key, "audience": step.whom, "phase": step.phase.kind},
    )
    together = list_steps_together(step)
    if not together.filter(status=StepStatus.PLANNED).exists():
        flags = list(together.filter(status=StepStatus.DONE).values_list("flag__key", flat=True))
        tell(event, kind="step_done", now=now, audience=DRIVERS, flags=flags)


def _end_last_phase(rollout: Rollout, *, now: datetime) -> None:
    """Complete a running rollout all of whose steps are done and whose last phase has passed.

    Until then it is watched where most people see it, and can be taken back.
    """
    last = rollout.phases.filter(status=PhaseStatus.RUNNING).order_by("-position").first()
    if rollout.status != Status.RUNNING or (last is not None and last.ends_at > now):
        return
    with recorded(actor=SCHEDULER, reason="Every step is done", now=now):
        for phase in rollout.phases.exclude(status=PhaseStatus.DONE):
            phase.status = PhaseStatus.DONE
            phase.save()
        for row in rollout.rollout_flags.filter(is_active=True).order_by("flag_id"):
            row.is_active = False
            row.save()
        move(rollout, Status.COMPLETED, now=now)
        event = add_event(rollout, kind="completed", actor=SCHEDULER, reason="Every step is done", now=now)
        tell(event, kind="rollout_completed", now=now)
