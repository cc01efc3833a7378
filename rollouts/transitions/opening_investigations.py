"""Opens investigations: of a day's complaints, or of what a lane saw.

What is opened stays as it was counted: marking a complaint afterwards neither opens, closes nor undoes anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import transaction

from core.actors import GUARDRAIL
from core.domain.business_time import local_day
from core.errors import Refusal
from core.history import recorded
from core.models import User
from core.reasons import write_reason
from core.roles import Capability, can
from health.domain.complaints import Alarm, Code, tally
from rollouts.domain.investigating import LASTS
from rollouts.investigation_queries import is_investigated
from rollouts.models import Investigation, Rollout
from rollouts.story import add_event, tell
from rollouts.transitions.driving import hold_rollout
from rollouts.transitions.locking import get_locked_rollout


@transaction.atomic
def open_investigation(*, rollout_id: int, alarm: Alarm, now: datetime, holds: bool = True) -> Investigation | None:
    """Have somebody look at a day's complaints, and hold what runs; None where it was done. Two at once do it once."""
    # As it is now: what was judged may have moved on meanwhile, and the complaints are there all the same.
    rollout = get_locked_rollout(rollout_id)
    if is_investigated(rollout.pk, code=alarm.code, day=alarm.day):
        return None
    reason = say_alarm(alarm)
    investigation = _open(
        rollout, code=alarm.code, day=alarm.day, evidence=_compose_evidence(alarm), reason=reason, now=now
    )
    data = {
        "count": alarm.count,
        "limit": alarm.limit,
        "people": alarm.people,
        "flags": [alarm.flag_key] if alarm.flag_key else [],
        "deadline": investigation.deadline_at.isoformat(),
        "owner_id": investigation.owner_id,
        "investigation": investigation.pk,
    }
    if not holds:
        event = add_event(rollout, kind="complaints_investigate", actor=GUARDRAIL, reason=reason, now=now, data=data)
        tell(event, kind="complaints_investigate", now=now)
        return investigation
    # What does not run needs no hold, but somebody to look.
    held = hold_rollout(
        rollout_id=rollout.pk,
        code=alarm.code,
        data=data,
        actor=GUARDRAIL,
        reason=reason,
        now=now,
        expected_epoch=rollout.epoch,
    )
    investigation.rollout = held or rollout
    _tell_opened(rollout, alarm, reason, data, now=now)
    return investigation


@dataclass(frozen=True)
class Finding:
    """What a lane wants looked into: in words, with its judgements, and how much each flag is suspected."""

    lane: str
    said: str
    breaches: Sequence[Mapping[str, object]]
    flags: Mapping[str, int]


@transaction.atomic
def open_lane_investigation(
    *, rollout_id: int, finding: Finding, now: datetime, expected_epoch: int
) -> Investigation | None:
    """Have somebody look at what a lane saw while the rollout goes on; None where it was done that day.

    Refuses where the rollout has changed since this was judged.
    """
    rollout = get_locked_rollout(rollout_id)
    if rollout.epoch != expected_epoch:
        raise Refusal("late_verdict")
    day = local_day(now, zone=ZoneInfo(rollout.zone))
    if is_investigated(rollout.pk, code=finding.lane, day=day):
        return None
    evidence = {"said": finding.said, "breaches": list(finding.breaches), "flags": dict(finding.flags)}
    investigation = _open(rollout, code=finding.lane, day=day, evidence=evidence, reason=finding.said, now=now)
    data = {
        "flags": list(finding.flags),
        "evidence": list(finding.breaches),
        "deadline": investigation.deadline_at.isoformat(),
        "owner_id": investigation.owner_id,
        "investigation": investigation.pk,
    }
    event = add_event(rollout, kind="guardrail_investigate", actor=GUARDRAIL, reason=finding.said, now=now, data=data)
    tell(event, kind="guardrail_investigate", now=now)
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


def say_alarm(alarm: Alarm) -> str:
    """Return the reason that history keeps of what a day's complaints ask for."""
    if alarm.code == Code.LIMIT:
        return write_reason("complaint_limit", count=alarm.count, limit=alarm.limit)
    if alarm.code == Code.ONE_FLAG:
        return write_reason("pilots_one_flag", count=alarm.count, flag=alarm.flag_key, people=alarm.people)
    return write_reason("pilots_each_one", count=alarm.count, people=alarm.people)


def _compose_evidence(alarm: Alarm) -> dict[str, object]:
    flags, sites = tally(alarm.heard)
    return {
        "count": alarm.count,
        "limit": alarm.limit,
        "people": alarm.people,
        "flag": alarm.flag_key,
        "complaints": sorted(one.number for one in alarm.heard),
        "flags": flags,
        "sites": sites,
    }


def _open(
    rollout: Rollout, *, code: str, day: date, evidence: Mapping[str, object], reason: str, now: datetime
) -> Investigation:
    with recorded(actor=GUARDRAIL, reason=reason, now=now):
        investigation = Investigation(
            rollout=rollout,
            code=code,
            day=day,
            attempt=rollout.attempt,
            opened_at=now,
            deadline_at=now + LASTS,
            evidence=dict(evidence),
            owner=_find_first_owner(rollout),
        )
        investigation.save()
    return investigation


def _find_first_owner(rollout: Rollout) -> User | None:
    """Return who planned it, where they still may look into it; else nobody, until somebody takes it on."""
    owner = rollout.created_by
    return owner if owner is not None and can(owner, Capability.HANDLE_INCIDENTS) else None
