"""What people do with investigations: take one on, hand it over, dismiss it, or end it with a rollback."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.errors import InvalidInput, NotFound, Refusal
from core.history import recorded
from core.models import User
from core.reasons import write_reason
from core.roles import Capability, can
from rollouts.domain.investigating import State
from rollouts.models import Investigation, Rollback, Rollout, Trigger
from rollouts.story import add_event
from rollouts.transitions.concluding import conclude
from rollouts.transitions.locking import get_locked_rollout
from rollouts.transitions.rolling_back import roll_back


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
            data={"owner": str(owner)},
        )
    return investigation


@transaction.atomic
def dismiss_investigation(*, investigation_id: int, actor: Actor, reason: str, now: datetime) -> Investigation:
    """Say why nothing is wrong with the release. What is held stays held until a person resumes it."""
    rollout, investigation = _get_open(investigation_id)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        conclude(investigation, State.DISMISSED, now=now)
        add_event(rollout, kind="investigation_dismissed", actor=actor, reason=recording.reason, now=now)
    return investigation


@transaction.atomic
def roll_back_investigated(
    *, investigation_id: int, flag_ids: Collection[int] | None, actor: Actor, reason: str, now: datetime
) -> Rollback:
    """Take back what it is about (all with None), with the investigation as its evidence."""
    rollout, investigation = _get_open(investigation_id)
    rollback = roll_back(
        rollout_id=rollout.pk,
        flag_ids=flag_ids,
        # A person's decision, whatever asked for it.
        trigger=Trigger.MANUAL if investigation.is_of_lane else Trigger.COMPLAINTS,
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
