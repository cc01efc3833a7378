"""Takes back: contain first, in one transaction; then say so."""

from collections.abc import Collection, Mapping
from datetime import datetime, time
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Max

from core.actors import Actor
from core.domain.business_time import at_local, local_day
from core.errors import InvalidInput, Refusal
from core.history import Recording, change_many, recorded, save_many
from flags.models import Criticality, FlagState
from flags.transitions import kill_flag, release_flag, remove_rules
from flags.transitions.locking import check_in_use, get_locked_flag
from rollouts.domain.lifecycle import UNDER_WAY, Status
from rollouts.drawing import plan_again
from rollouts.hand_queries import find_left_out
from rollouts.models import (
    BY_PERSON,
    PhaseStatus,
    Rollback,
    RollbackFlag,
    Rollout,
    RolloutFlag,
    Scope,
    StepStatus,
    Trigger,
)
from rollouts.story import add_event, tell
from rollouts.transitions.concluding import conclude_with_rollback
from rollouts.transitions.locking import get_locked_rollout, move

_WEIGHT = {Criticality.CRITICAL: 2, Criticality.IMPORTANT: 1, Criticality.MINOR: 0}


@transaction.atomic
def roll_back(
    *,
    rollout_id: int,
    flag_ids: Collection[int] | None,
    trigger: Trigger,
    actor: Actor,
    reason: str,
    now: datetime,
    expected_epoch: int | None = None,
    expected_attempt: int | None = None,
    detected_at: datetime | None = None,
    seen_epoch: int | None = None,
    evidence: Mapping[str, object] | None = None,
) -> Rollback:
    """Switch the flags (all with None) off for everyone and hold or end the rollout.

    Takes no checklist and no second person. `expected_epoch` or `expected_attempt` is what an
    automatic verdict saw: a late one is refused with `late_verdict`; a person's click never comes too
    late, unless `seen_epoch` says what it must not have missed. Critical errors ask for the attempt
    only: that another flag went back, or that somebody paused, must not keep a flag on which loses data.
    """
    rollout = get_locked_rollout(rollout_id, seen_epoch=seen_epoch)
    if expected_epoch not in {None, rollout.epoch} or expected_attempt not in {None, rollout.attempt}:
        raise Refusal("late_verdict", rollout=rollout_id)
    if rollout.status not in UNDER_WAY:
        raise Refusal("wrong_state", start=rollout.status, end=str(Status.ROLLED_BACK))
    rows = _choose(rollout, flag_ids)
    now = max(now, _find_last_done(rollout, rows) or now)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        for row in rows:
            _contain(row, actor=actor, reason=recording.reason, now=now)
        planned = rollout.steps.filter(flag_id__in=[row.flag_id for row in rows], status=StepStatus.PLANNED)
        change_many(planned, status=StepStatus.SKIPPED)
        scope = Scope.ALL if flag_ids is None else Scope.FLAG
        rollback = Rollback(
            rollout=rollout,
            scope=scope,
            trigger=trigger,
            attempt=rollout.attempt,
            detected_at=detected_at or now,
            contained_at=now,
            reason=recording.reason,
            triggered_by=actor.label[:200],
            evidence=dict(evidence or {}),
        )
        rollback.save()
        name_flags(rollback, rows)
        _close(rollout, rollback, rows, actor=actor, now=now)
    return rollback


def _choose(rollout: Rollout, flag_ids: Collection[int] | None) -> list[RolloutFlag]:
    rows = rollout.rollout_flags.filter(is_active=True).select_related("flag").order_by("flag_id")
    chosen = list(rows) if flag_ids is None else [row for row in rows if row.flag_id in set(flag_ids)]
    if not chosen:
        raise InvalidInput("nothing_to_roll_back", rollout=rollout.pk)
    return chosen


def _find_last_done(rollout: Rollout, rows: Collection[RolloutFlag]) -> datetime | None:
    """Return when the last step was done that is taken back; after `now` where the caller waited for the lock."""
    done = rollout.steps.filter(status=StepStatus.DONE, flag_id__in=[row.flag_id for row in rows])
    last: datetime | None = done.aggregate(last=Max("done_at"))["last"]
    return last


def _contain(row: RolloutFlag, *, actor: Actor, reason: str, now: datetime) -> None:
    kill_flag(flag_id=row.flag_id, environment_id=row.environment_id, actor=actor, reason=reason, now=now)
    row.is_active = False
    row.rolled_back_at = now
    row.acknowledged_at = None
    row.save()


def name_flags(rollback: Rollback, rows: Collection[RolloutFlag]) -> None:
    """Write down which flags a rollback took back."""
    for row in rows:
        RollbackFlag(
            rollback=rollback,
            rollout=rollback.rollout,
            flag_id=row.flag_id,
            attempt=rollback.attempt,
            is_automatic=rollback.trigger not in BY_PERSON,
        ).save()


def weigh_criticality(rows: Collection[RolloutFlag]) -> str:
    """Return the highest criticality among the flags."""
    return max((row.flag.criticality for row in rows), key=lambda value: _WEIGHT[Criticality(value)])


def hold_after(
    rollout: Rollout, rollback: Rollback, rows: Collection[RolloutFlag], *, code: str, now: datetime
) -> None:
    """Hold what runs and lost a part; what waits already, or is paused, is marked as changed."""
    if rollout.status != Status.RUNNING:
        rollout.epoch += 1
        rollout.save()
        return
    flags = _list_keys(rows)
    change = {"flags": flags, "by": rollback.triggered_by, "why": rollback.reason}
    move(rollout, Status.HELD, now=now, held_code=code, held_data={"flags": flags, "changes": [change]})


def _list_keys(rows: Collection[RolloutFlag]) -> list[str]:
    return sorted(row.flag.key for row in rows)


def _close(rollout: Rollout, rollback: Rollback, rows: Collection[RolloutFlag], *, actor: Actor, now: datetime) -> None:
    """Hold what goes on with fewer flags, end what has none left, and tell."""
    all_gone = not rollout.rollout_flags.filter(is_active=True).exists()
    if all_gone:
        move(rollout, Status.ROLLED_BACK, now=now)
        conclude_with_rollback(rollout, rollback, now=now)
    else:
        hold_after(rollout, rollback, rows, code="flag_rolled_back", now=now)
    sites = rollout.steps.filter(status=StepStatus.DONE, flag_id__in=[row.flag_id for row in rows], site__isnull=False)
    event = add_event(
        rollout,
        kind="rolled_back" if all_gone else "flag_rolled_back",
        actor=actor,
        reason=rollback.reason,
        now=now,
        data={
            "rollback_id": rollback.pk,
            "trigger": rollback.trigger,
            "flags": _list_keys(rows),
            "criticality": weigh_criticality(rows),
            "detected_at": rollback.detected_at.isoformat(),
            "sites": sorted(set(sites.values_list("site__key", flat=True))),
            "is_rehearsal": rollout.is_rehearsal,
            "evidence": rollback.evidence,
        },
    )
    tell(event, kind="rollout_rolled_back" if all_gone else "flag_rolled_back", now=now)


@transaction.atomic
def acknowledge_flag(
    *, rollout_id: int, flag_id: int, actor: Actor, reason: str, now: datetime, seen_epoch: int | None = None
) -> RolloutFlag:
    """Note that a person has seen why a flag was taken back; it stays off. Said twice it is said once."""
    rollout = get_locked_rollout(rollout_id, seen_epoch=seen_epoch)
    rows = rollout.rollout_flags.filter(flag_id=flag_id, rolled_back_at__isnull=False)
    row = rows.select_related("flag").first()
    if row is None:
        raise InvalidInput("nothing_to_acknowledge", rollout=rollout_id)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        if row.acknowledged_at is not None:
            return row
        row.acknowledged_at = now
        row.save()
        data = {"flag": row.flag.key}
        add_event(rollout, kind="acknowledged", actor=actor, reason=recording.reason, now=now, data=data)
    return row


@transaction.atomic
def redraft_rollout(
    *, rollout_id: int, actor: Actor, reason: str, now: datetime, seen_epoch: int | None = None
) -> Rollout:
    """Make a new attempt of a rolled-back rollout: a draft, its rules gone, its own kill switches lifted.

    Refuses while a flag's rollback is not acknowledged, or a flag is archived. A flag that another
    rollout or a person switched off stays off. The plan keeps its steps, without those that people
    left out; they are dated anew, from tomorrow on.
    """
    rollout = get_locked_rollout(rollout_id, seen_epoch=seen_epoch)
    rows = list(rollout.rollout_flags.select_related("flag").order_by("flag_id"))
    for row in rows:
        # A flag of what has ended may have been archived since: its steps could never be done.
        check_in_use(get_locked_flag(row.flag_id))
    if waiting := [row.flag.key for row in rows if row.rolled_back_at and not row.acknowledged_at]:
        raise Refusal("rollback_not_acknowledged", flags=", ".join(waiting))
    with recorded(actor=actor, reason=reason, now=now) as recording:
        move(rollout, Status.DRAFT, now=now)
        for row in rows:
            _put_back(row, recording)
            row.rolled_back_at = row.acknowledged_at = None
            row.save()
        _restart_plan(rollout, now=now)
        states = FlagState.objects.filter(environment=rollout.environment_id, flag__in=[row.flag_id for row in rows])
        still_off = states.filter(killed_at__isnull=False).order_by("flag__key").values_list("flag__key", flat=True)
        data = {"still_off": list(still_off)} if still_off else {}
        add_event(rollout, kind="redrafted", actor=actor, reason=recording.reason, now=now, data=data)
    return rollout


def _put_back(row: RolloutFlag, recording: Recording) -> None:
    """Leave a flag without the rollout's rules, and without the kill switch that its rollback set.

    Another one stands: a person's, that of a rollout which took the flag over since, or one that such a
    rollout found in place and nobody has acknowledged there.
    """
    common = {
        "flag_id": row.flag_id,
        "environment_id": row.environment_id,
        "actor": recording.actor,
        "reason": recording.reason,
        "now": recording.now,
    }
    remove_rules(origin_prefix=f"rollout:{row.rollout_id}:", **common)  # type: ignore[arg-type]  # each of its own type
    others = RolloutFlag.objects.filter(flag=row.flag_id, environment=row.environment_id, rolled_back_at__isnull=False)
    if row.rolled_back_at is None or others.filter(acknowledged_at=None).exclude(rollout=row.rollout_id).exists():
        return
    release_flag(set_at=row.rolled_back_at, **common)  # type: ignore[arg-type]  # as above


def _restart_plan(rollout: Rollout, *, now: datetime) -> None:
    planned = plan_again(rollout, now=now)
    for phase, dated in zip(rollout.phases.order_by("position"), planned, strict=True):
        phase.status = PhaseStatus.PENDING
        phase.gate_waived = False
        phase.first_day, phase.last_day = dated.first_day, dated.last_day
        phase.starts_at, phase.ends_at = dated.starts_at, dated.ends_at
        phase.save()
        for item in phase.check_items.exclude(done_at=None):
            item.done_at, item.done_by, item.proof = None, None, ""
            item.save()
    moments = [step.due_at for phase in planned for step in phase.steps]
    steps = list(rollout.steps.order_by("position"))
    left_out = find_left_out(rollout)
    for step, due_at in zip(steps, moments, strict=True):
        step.status = StepStatus.SKIPPED if step.pk in left_out else StepStatus.PLANNED
        step.done_at = None
        step.due_at = due_at
    save_many(steps, ["status", "done_at", "due_at"])
    rollout.attempt += 1
    rollout.start_at = now
    if rollout.start_on is not None:
        zone = ZoneInfo(rollout.zone)
        rollout.start_on = local_day(planned[0].starts_at, zone=zone)
        rollout.start_at = at_local(rollout.start_on, time(), zone=zone)
    rollout.save()
