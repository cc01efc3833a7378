"""Takes back a part: one step, one site, or the running phase. Contains first, like the whole; waits for nobody."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from core.actors import Actor
from core.errors import Refusal
from core.history import Recording, change_many, recorded
from flags.domain.audience import RuleAudience, RuleKind
from flags.domain.bucketing import share_of
from flags.models import Site
from flags.transitions import lay_rule, lift_rule, on_variant, shut_site
from rollouts.domain.lifecycle import UNDER_WAY, Status
from rollouts.models import Phase, PhaseStatus, Rollback, Rollout, RolloutFlag, Scope, Step, StepStatus, Trigger
from rollouts.shut_queries import TAKEN_BACK, shut_origin, step_origin
from rollouts.story import add_event, tell
from rollouts.transitions.locking import get_locked_rollout
from rollouts.transitions.rolling_back import hold_after, name_flags, weigh_criticality


@dataclass(frozen=True)
class Cause:
    """Why a part is taken back: by hand, or by a lane that saw something at a moment, with its numbers."""

    trigger: Trigger
    detected_at: datetime | None = None
    evidence: Mapping[str, object] = field(default_factory=dict)


BY_HAND = Cause(Trigger.MANUAL)


@transaction.atomic
def undo_steps(
    *,
    rollout_id: int,
    step_ids: Collection[int],
    actor: Actor,
    reason: str,
    now: datetime,
    seen_epoch: int | None = None,
) -> list[Step]:
    """Take single steps back: their flags are off again for their audience. They count as left out; nothing is held."""
    rollout = _get_locked(rollout_id, seen_epoch=seen_epoch)
    steps = list(_list_done(rollout).filter(pk__in=step_ids).order_by("flag_id", "-position"))
    if not steps or len(steps) != len(set(step_ids)):
        raise Refusal("step_not_done")
    if any(_is_superseded(rollout, step) for step in steps):
        raise Refusal("step_superseded")
    with recorded(actor=actor, reason=reason, now=now) as recording:
        for step in steps:
            _withdraw(rollout, step, recording)
            step.status, step.done_at = StepStatus.SKIPPED, None
            step.save()
        rollout.epoch += 1
        rollout.save()
        data = {"flags": [step.flag.key for step in steps], "audience": steps[0].whom, "phase": steps[0].phase.kind}
        add_event(rollout, kind="steps_undone", actor=actor, reason=recording.reason, now=now, data=data)
    return steps


@transaction.atomic
def roll_back_site(
    *,
    rollout_id: int,
    site_id: int,
    actor: Actor,
    reason: str,
    now: datetime,
    cause: Cause = BY_HAND,
    expected_epoch: int | None = None,
) -> Rollback:
    """Switch the rollout's flags off at one site, whoever works there and whatever reaches everyone; hold.

    A rule above all others says so, also of flags that the plan switches on later; what the plan holds for
    the site is left out. `expected_epoch`: what an automatic verdict saw; a late one is refused.
    """
    rollout = _get_locked(rollout_id)
    if expected_epoch not in {None, rollout.epoch}:
        raise Refusal("late_verdict", rollout=rollout_id)
    site = Site.objects.filter(pk=site_id).first()
    rows = _list_exposed(rollout)
    if site is None or not rows:
        raise Refusal("nothing_to_roll_back")
    with recorded(actor=actor, reason=reason, now=now) as recording:
        for row in rollout.rollout_flags.filter(is_active=True).order_by("flag_id"):
            shut_site(
                flag_id=row.flag_id,
                environment_id=rollout.environment_id,
                site_id=site.pk,
                phase=TAKEN_BACK,
                origin=shut_origin(rollout),
                actor=actor,
                reason=recording.reason,
                now=now,
            )
        change_many(rollout.steps.filter(site=site, status=StepStatus.PLANNED), status=StepStatus.SKIPPED)
        return _close(rollout, rows, recording, scope=Scope.SITE, site=site, cause=cause)


@transaction.atomic
def give_back_site(*, rollout_id: int, site_id: int, actor: Actor, reason: str, now: datetime) -> int:
    """Lift what keeps a site off since it was taken back; return for how many flags. Its steps stay left out."""
    rollout = get_locked_rollout(rollout_id)
    audience = RuleAudience.for_site(site_id)
    site = Site.objects.filter(pk=site_id).first()
    lifted = 0
    with recorded(actor=actor, reason=reason, now=now) as recording:
        for row in rollout.rollout_flags.order_by("flag_id"):
            lifted += lift_rule(
                flag_id=row.flag_id,
                environment_id=rollout.environment_id,
                audience=audience,
                origin=shut_origin(rollout),
                phase=TAKEN_BACK,
                actor=actor,
                reason=recording.reason,
                now=now,
            )
        if site is None or not lifted:
            raise Refusal("nothing_to_give_back")
        rollout.epoch += 1
        rollout.save()
        data = {"sites": [site.key], "audience": site.name}
        add_event(rollout, kind="site_given_back", actor=actor, reason=recording.reason, now=now, data=data)
    return lifted


@transaction.atomic
def roll_back_phase(*, rollout_id: int, phase_id: int, actor: Actor, reason: str, now: datetime) -> Rollback:
    """Take back what the running phase gave: as it was before it began. Its steps are planned again; hold.

    The gates before it are asked anew: nobody's waiver stands any more, nor an approval of before.
    """
    rollout = _get_locked(rollout_id)
    phase = rollout.phases.filter(pk=phase_id, status=PhaseStatus.RUNNING).first()
    done = [] if phase is None else list(_list_done(rollout).filter(phase=phase).order_by("flag_id", "-position"))
    if phase is None or not done:
        raise Refusal("nothing_to_roll_back")
    flags = {step.flag_id for step in done}
    rows = [row for row in _list_exposed(rollout) if row.flag_id in flags]
    with recorded(actor=actor, reason=reason, now=now) as recording:
        for step in done:
            _withdraw(rollout, step, recording)
            step.status, step.done_at = StepStatus.PLANNED, None
            step.save()
        phase.status, phase.gate_waived = PhaseStatus.PENDING, False
        phase.save()
        before = rollout.phases.filter(position__lt=phase.position).order_by("-position").first()
        if before is not None:
            before.status, before.gate_waived = PhaseStatus.RUNNING, False
            before.save()
        return _close(rollout, rows, recording, scope=Scope.PHASE, phase=phase)


def _get_locked(rollout_id: int, *, seen_epoch: int | None = None) -> Rollout:
    rollout = get_locked_rollout(rollout_id, seen_epoch=seen_epoch)
    if rollout.status not in UNDER_WAY:
        raise Refusal("wrong_state", start=rollout.status, end=str(Status.ROLLED_BACK))
    return rollout


def _list_exposed(rollout: Rollout) -> list[RolloutFlag]:
    """Return the flags that are still driven and on for somebody, locked in order by what is done to them."""
    exposed = rollout.steps.filter(status=StepStatus.DONE).values("flag_id")
    rows = rollout.rollout_flags.filter(is_active=True, flag__in=exposed).select_related("flag")
    return list(rows.order_by("flag_id"))


def _list_done(rollout: Rollout) -> QuerySet[Step]:
    active = rollout.rollout_flags.filter(is_active=True).values("flag_id")
    done = rollout.steps.filter(status=StepStatus.DONE, flag__in=active)
    return done.select_related("flag", "phase", "site", "segment", "rollout")


def _is_superseded(rollout: Rollout, step: Step) -> bool:
    """Tell whether undoing would change nothing: everyone, or a larger share of everyone, has the flag by now."""
    everyone = rollout.steps.filter(flag=step.flag_id, status=StepStatus.DONE, audience_kind=RuleKind.EVERYONE)
    later = everyone.exclude(pk=step.pk)
    if step.audience_kind == RuleKind.EVERYONE:
        return later.filter(position__gt=step.position).exists()
    return later.filter(share_bp=None).exists()


def _withdraw(rollout: Rollout, step: Step, recording: Recording) -> None:
    """Take a step's rule away, or put back the smaller share that it grew from."""
    audience = RuleAudience(RuleKind(step.audience_kind), segment_id=step.segment_id, site_id=step.site_id)
    common = {
        "flag_id": step.flag_id,
        "environment_id": rollout.environment_id,
        "audience": audience,
        "origin": step_origin(rollout),
        "phase": step.phase.kind,
        "actor": recording.actor,
        "reason": recording.reason,
        "now": recording.now,
    }
    smaller = None
    if step.audience_kind == RuleKind.EVERYONE:
        shares = rollout.steps.filter(flag=step.flag_id, status=StepStatus.DONE, share_bp__isnull=False)
        smaller = shares.exclude(pk=step.pk).order_by("-share_bp").first()
    if smaller is None or smaller.share_bp is None:
        lift_rule(**common)  # type: ignore[arg-type]  # each of its own type
        return
    split = share_of(on_variant(step.flag), smaller.share_bp, rest=step.flag.off_variant)
    lay_rule(**common | {"phase": smaller.phase.kind}, variant="", split=split)  # type: ignore[arg-type]  # as above


def _close(
    rollout: Rollout,
    rows: Collection[RolloutFlag],
    recording: Recording,
    *,
    scope: Scope,
    site: Site | None = None,
    phase: Phase | None = None,
    cause: Cause = BY_HAND,
) -> Rollback:
    """Write the rollback down, hold what runs, and tell."""
    kind = f"{scope}_rolled_back"
    rollback = Rollback(
        rollout=rollout,
        scope=scope,
        site=site,
        phase=phase,
        trigger=cause.trigger,
        attempt=rollout.attempt,
        detected_at=cause.detected_at or recording.now,
        evidence=dict(cause.evidence),
        contained_at=recording.now,
        reason=recording.reason,
        triggered_by=recording.actor.label[:200],
    )
    rollback.save()
    name_flags(rollback, rows)
    hold_after(rollout, rollback, rows, code=kind, now=recording.now)
    data = {
        "rollback_id": rollback.pk,
        "trigger": rollback.trigger,
        "flags": sorted(row.flag.key for row in rows),
        "criticality": weigh_criticality(rows),
        "detected_at": rollback.detected_at.isoformat(),
        "sites": [site.key] if site else [],
        "audience": site.name if site else "",
        "phase": phase.kind if phase else "",
        "is_rehearsal": rollout.is_rehearsal,
    }
    event = add_event(rollout, kind=kind, actor=recording.actor, reason=recording.reason, now=recording.now, data=data)
    tell(event, kind=kind, now=recording.now)
    return rollback
