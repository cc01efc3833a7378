"""Investigations of complaints: opened by the rule, taken on, handed over, dismissed, or ended with a rollback.

What is opened stays as it was counted: marking a complaint afterwards neither opens, closes nor undoes anything.
"""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from core.actors import GUARDRAIL, Actor
from core.errors import InvalidInput, NotFound, Refusal
from core.history import recorded
from core.models import User
from core.reasons import write_reason
from core.roles import Capability, can
from health.domain.complaints import DAILY_COMPLAINT_LIMIT, Alarm, Code, tally
from rollouts.domain.investigating import LASTS, State
from rollouts.investigation_queries import is_investigated
from rollouts.models import Investigation, Rollback, Rollout, Trigger
from rollouts.story import add_event, tell
from rollouts.transitions.concluding import conclude
from rollouts.transitions.driving import hold_rollout
from rollouts.transitions.locking import get_locked_rollout
from rollouts.transitions.rolling_back import roll_back


@transaction.atomic
def open_investigation(*, rollout_id: int, alarm: Alarm, now: datetime) -> Investigation | None:
    """Have somebody look at a day's complaints and hold what runs; None where it was done. Two at once do it once."""
    # As it is now: what was judged may have moved on meanwhile, and the complaints are there all the same.
    rollout = get_locked_rollout(rollout_id)
    if is_investigated(rollout.pk, code=alarm.code, day=alarm.day):
        return None
    reason = _write_reason(alarm)
    with recorded(actor=GUARDRAIL, reason=reason, now=now):
        investigation = Investigation(
            rollout=rollout,
            code=alarm.code,
            day=alarm.day,
            attempt=rollout.attempt,
            opened_at=now,
            deadline_at=now + LASTS,
            evidence=_compose_evidence(alarm),
            owner=_find_first_owner(rollout),
        )
        investigation.save()
    data = {
        "count": alarm.count,
        "limit": DAILY_COMPLAINT_LIMIT,
        "people": alarm.people,
        "flags": [alarm.flag_key] if alarm.flag_key else [],
        "deadline": investigation.deadline_at.isoformat(),
        "owner_id": investigation.owner_id,
        "investigation": investigation.pk,
    }
    # What does not run needs no hold, but somebody to look.
    hold_rollout(
        rollout_id=rollout.pk,
        code=alarm.code,
        data=data,
        actor=GUARDRAIL,
        reason=reason,
        now=now,
        expected_epoch=rollout.epoch,
    )
    _tell_opened(rollout, alarm, reason, data, now=now)
    return investigation


def _tell_opened(rollout: Rollout, alarm: Alarm, reason: str, data: dict[str, object], *, now: datetime) -> None:
    """Write the line that opens the incident of a passed limit; of a small pilot, one that opens none."""
    told = {**data, "is_rehearsal": rollout.is_rehearsal, "criticality": "important", "detected_at": now.isoformat()}
    if alarm.code == Code.LIMIT:
        event = add_event(rollout, kind="complaint_limit_reached", actor=GUARDRAIL, reason=reason, now=now, data=told)
        tell(event, kind="complaint_limit_reached", now=now)
        return
    event = add_event(rollout, kind="pilots_complain", actor=GUARDRAIL, reason=reason, now=now, data=told)
    tell(event, kind="pilots_complain", now=now)


def _write_reason(alarm: Alarm) -> str:
    if alarm.code == Code.LIMIT:
        return write_reason("complaint_limit", count=alarm.count, limit=DAILY_COMPLAINT_LIMIT)
    if alarm.code == Code.ONE_FLAG:
        return write_reason("pilots_one_flag", count=alarm.count, flag=alarm.flag_key, people=alarm.people)
    return write_reason("pilots_each_one", count=alarm.count, people=alarm.people)


def _compose_evidence(alarm: Alarm) -> dict[str, object]:
    flags, sites = tally(alarm.heard)
    return {
        "count": alarm.count,
        "limit": DAILY_COMPLAINT_LIMIT,
        "people": alarm.people,
        "flag": alarm.flag_key,
        "complaints": sorted(one.number for one in alarm.heard),
        "flags": flags,
        "sites": sites,
    }


def _find_first_owner(rollout: Rollout) -> User | None:
    """Return who planned it, where they still may look into it; else nobody, until somebody takes it on."""
    owner = rollout.created_by
    return owner if owner is not None and can(owner, Capability.HANDLE_INCIDENTS) else None


@transaction.atomic
def take_on(*, investigation_id: int, actor: Actor, now: datetime) -> Investigation:
    """Make the person who acts its owner: the others see that somebody looks."""
    rollout, investigation = _get_open(investigation_id)
    if actor.user_id is None:
        raise InvalidInput("person_unknown")
    reason = write_reason("investigation_taken")
    with recorded(actor=actor, reason=reason, now=now):
        investigation.owner_id = actor.user_id
        investigation.taken_at = now
        investigation.save()
        add_event(rollout, kind="investigation_taken", actor=actor, reason=reason, now=now)
    return investigation


@transaction.atomic
def hand_over(*, investigation_id: int, owner_id: int, actor: Actor, reason: str, now: datetime) -> Investigation:
    """Give it to somebody else who may look into it; the deadline stays."""
    rollout, investigation = _get_open(investigation_id)
    owner = User.objects.filter(pk=owner_id, is_active=True).first()
    if owner is None or not can(owner, Capability.HANDLE_INCIDENTS):
        raise InvalidInput("owner_unfit")
    with recorded(actor=actor, reason=reason, now=now) as recording:
        investigation.owner = owner
        investigation.taken_at = now if owner.pk == actor.user_id else None
        investigation.save()
        add_event(
            rollout,
            kind="investigation_handed_over",
            actor=actor,
            reason=recording.reason,
            now=now,
            data={"owner": owner.get_full_name() or owner.username},
        )
    return investigation


@transaction.atomic
def dismiss_investigation(*, investigation_id: int, actor: Actor, reason: str, now: datetime) -> Investigation:
    """Say why nothing is wrong with the release. The rollout stays held until a person resumes it."""
    rollout, investigation = _get_open(investigation_id)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        conclude(investigation, State.DISMISSED, now=now)
        add_event(rollout, kind="investigation_dismissed", actor=actor, reason=recording.reason, now=now)
    return investigation


@transaction.atomic
def roll_back_investigated(
    *, investigation_id: int, flag_ids: Collection[int] | None, actor: Actor, reason: str, now: datetime
) -> Rollback:
    """Take back what the complaints are about (all with None), with the investigation as its evidence."""
    rollout, investigation = _get_open(investigation_id)
    rollback = roll_back(
        rollout_id=rollout.pk,
        flag_ids=flag_ids,
        trigger=Trigger.COMPLAINTS,
        actor=actor,
        reason=reason,
        now=now,
        evidence={
            **investigation.evidence,
            "code": investigation.code,
            "investigation": investigation.pk,
            "opened_at": investigation.opened_at.isoformat(),
        },
    )
    investigation.refresh_from_db()
    if investigation.status == State.OPEN:
        with recorded(actor=actor, reason=reason, now=now):
            conclude(investigation, State.ROLLED_BACK, rollback=rollback, now=now)
    return rollback


def _get_open(investigation_id: int) -> tuple[Rollout, Investigation]:
    """Return the locked rollout and investigation; refuse one that is not there, or over."""
    rollout_id = Investigation.objects.filter(pk=investigation_id).values_list("rollout_id", flat=True).first()
    if rollout_id is None:
        raise NotFound("investigation_unknown")
    rollout = get_locked_rollout(rollout_id)
    investigation = Investigation.objects.select_for_update(of=("self",)).get(pk=investigation_id)
    if investigation.status != State.OPEN:
        raise Refusal("changed_meanwhile")
    return rollout, investigation
