"""Four eyes: asks for an approval, gives it, refuses it. A rollback never waits for one."""

from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.errors import NotAllowed, Refusal
from core.history import Recording, recorded
from core.models import User
from core.roles import Capability, check_can
from flags.models import Segment
from notifications.domain.audience import DRIVERS
from rollouts.approval_queries import find_authors, weigh_phase_approval, weigh_plan_approval
from rollouts.domain.approving import ApprovalState
from rollouts.domain.lifecycle import UNDER_WAY, Status
from rollouts.domain.templates import Gate
from rollouts.models import Approval, Decision, Phase, PhaseStatus, Rollout
from rollouts.story import add_event, tell
from rollouts.transitions.locking import get_locked_rollout, move
from rollouts.transitions.reviewing_risks import find_review_lack


@transaction.atomic
def request_approval(
    *, rollout_id: int, actor: Actor, reason: str, now: datetime, seen_epoch: int | None = None
) -> Rollout:
    """Let a draft wait for other people's approval, and tell them; refuse where its environment asks for none.

    High risks that nobody reviewed for this plan refuse it, too.
    """
    rollout = get_locked_rollout(rollout_id, seen_epoch=seen_epoch)
    if not rollout.environment.required_approvals:
        raise Refusal("approval_not_required", environment=rollout.environment.key)
    lack = find_review_lack(rollout)
    if lack is not None:
        raise lack
    with recorded(actor=actor, reason=reason, now=now) as recording:
        move(rollout, Status.AWAITING_APPROVAL, now=now)
        event = add_event(rollout, kind="approval_requested", actor=actor, reason=recording.reason, now=now)
        tell(event, kind="approval_requested", now=now, audience=DRIVERS)
    return rollout


@transaction.atomic
def withdraw_request(
    *, rollout_id: int, actor: Actor, reason: str, now: datetime, seen_epoch: int | None = None
) -> Rollout:
    """Take a plan that waits for approval back to its draft."""
    rollout = get_locked_rollout(rollout_id, seen_epoch=seen_epoch)
    if rollout.status != Status.AWAITING_APPROVAL:
        raise Refusal("wrong_state", start=rollout.status, end=str(Status.DRAFT))
    with recorded(actor=actor, reason=reason, now=now) as recording:
        move(rollout, Status.DRAFT, now=now)
        add_event(rollout, kind="approval_withdrawn", actor=actor, reason=recording.reason, now=now)
    return rollout


@transaction.atomic
def decide_plan(
    *, rollout_id: int, is_approved: bool, seen_hash: str, actor: Actor, reason: str, now: datetime
) -> Approval:
    """Approve or reject a plan as it was seen, by its hash; a rejected one is a draft again.

    Refuses authors, people without the right, programs, and a decision on what has changed since.
    """
    rollout = get_locked_rollout(rollout_id)
    decider = _get_decider(rollout, actor)
    if rollout.status != Status.AWAITING_APPROVAL:
        raise Refusal("wrong_state", start=rollout.status, end=str(Status.SCHEDULED))
    state = weigh_plan_approval(rollout)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        _check_seen(state, seen_hash)
        approval = _store(rollout, None, state, decider, is_approved=is_approved, recording=recording)
        kind = "approved" if is_approved else "rejected"
        if not is_approved:
            move(rollout, Status.DRAFT, now=now)
        event = add_event(rollout, kind=kind, actor=actor, reason=recording.reason, now=now)
        tell(event, kind=f"plan_{kind}", now=now, audience=DRIVERS)
    return approval


@transaction.atomic
def decide_phase(
    *, phase_id: int, is_approved: bool, seen_hash: str, actor: Actor, reason: str, now: datetime
) -> Approval:
    """Approve or reject that a running phase may end, by the hash of what comes after it."""
    phase = Phase.objects.select_related("rollout").filter(pk=phase_id).first()
    if phase is None:
        raise Refusal("changed_meanwhile")
    rollout = get_locked_rollout(phase.rollout_id)
    phase = Phase.objects.select_related("rollout__release", "rollout__environment").get(pk=phase_id)
    decider = _get_decider(rollout, actor)
    if rollout.status not in UNDER_WAY or phase.status != PhaseStatus.RUNNING or Gate.APPROVAL not in phase.gates:
        raise Refusal("phase_not_to_approve")
    state = weigh_phase_approval(phase)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        _check_seen(state, seen_hash)
        approval = _store(rollout, phase, state, decider, is_approved=is_approved, recording=recording)
        kind = "phase_approved" if is_approved else "phase_rejected"
        add_event(rollout, kind=kind, actor=actor, reason=recording.reason, now=now, data={"phase": phase.kind})
    return approval


def check_plan_approved(rollout: Rollout) -> None:
    """Refuse a plan that too few people have approved as it is; nobody joins its segments before this is written."""
    if not rollout.environment.required_approvals:
        return
    if rollout.status == Status.DRAFT:
        raise _not_asked(rollout)
    named = rollout.steps.exclude(segment=None).order_by().values("segment")
    list(Segment.objects.select_for_update(of=("self",)).filter(pk__in=named).order_by("pk"))
    lack = find_approval_lack(rollout, weigh_plan_approval(rollout))
    if lack is not None:
        raise lack


def find_approval_lack(rollout: Rollout, state: ApprovalState) -> Refusal | None:
    """Return what a plan's approval lacks before it can be scheduled, None where it lacks nothing."""
    if rollout.status == Status.DRAFT:
        return _not_asked(rollout)
    return None if state.holds else Refusal("approval_missing", missing=state.missing, needed=state.needed)


def _not_asked(rollout: Rollout) -> Refusal:
    return Refusal("approval_required", environment=rollout.environment.key)


def _get_decider(rollout: Rollout, actor: Actor) -> User:
    """Return the person who decides; refuse programs, people without the right, and authors of the plan."""
    user = User.objects.filter(pk=actor.user_id).first() if actor.user_id is not None else None
    if user is None:
        raise NotAllowed("approval_by_no_person")
    check_can(user, Capability.APPROVE_ROLLOUTS)
    if user.pk in find_authors(rollout):
        raise NotAllowed("approval_by_author")
    return user


def _check_seen(state: ApprovalState, seen_hash: str) -> None:
    if seen_hash != state.content_hash:
        raise Refusal("changed_meanwhile")


def _store(
    rollout: Rollout,
    phase: Phase | None,
    state: ApprovalState,
    decider: User,
    *,
    is_approved: bool,
    recording: Recording,
) -> Approval:
    return Approval.objects.create(
        rollout=rollout,
        phase=phase,
        content_hash=state.content_hash,
        decision=Decision.APPROVED if is_approved else Decision.REJECTED,
        comment=recording.reason,
        decided_by=decider,
        decided_at=recording.now,
    )
