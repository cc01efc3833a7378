"""Measures: done by their owner with a proof, verified by somebody else, dropped with a reason."""

from datetime import date, datetime

from django.db import transaction

from core.actors import Actor
from core.domain.lifecycle import check_move
from core.errors import InvalidInput, NotAllowed, Refusal
from core.history import check_reason, recorded
from core.models import User
from core.reasons import write_reason
from core.roles import Capability, can
from core.versions import check_version
from incidents.domain.measuring import EDGES, MeasureState
from incidents.models import ActionItem, ActionKind, Incident
from incidents.transitions.locking import add_entry, check_not_closed, check_text, get_locked_incident
from incidents.transitions.telling_learnt import tell_measure_rejected, tell_measure_to_verify
from incidents.transitions.writing import check_unpublished, note_author, void_review

MAX_MEASURE_CHARACTERS = 300


@transaction.atomic
def add_action_item(
    *,
    incident_id: int,
    kind: str,
    title: str,
    owner_id: int,
    due_on: date,
    actor: Actor,
    today: date,
    now: datetime,
    verifier_id: int | None = None,
) -> ActionItem:
    """Add a measure with its owner and date; a post-mortem under review has to be reviewed anew."""
    incident = get_locked_incident(incident_id)
    check_not_closed(incident)
    post_mortem = incident.post_mortem
    check_unpublished(post_mortem)
    title = check_text(title, limit=MAX_MEASURE_CHARACTERS)
    if not title:
        raise InvalidInput("measure_missing")
    if kind not in ActionKind.values:
        raise InvalidInput("action_kind_unknown", kind=kind)
    _check_people(owner_id, verifier_id)
    _check_date(due_on, today=today)
    with recorded(actor=actor, reason=write_reason("action_item_added"), now=now):
        item = ActionItem(
            post_mortem=post_mortem, kind=kind, title=title, owner_id=owner_id, verifier_id=verifier_id, due_on=due_on
        )
        item.save()
        _note_rewritten(incident, actor=actor, now=now)
        add_entry(incident, code="action_item_added", actor=actor, now=now, note=item.title)
    return item


@transaction.atomic
def finish_action_item(
    *, incident_id: int, item_id: int, actor: Actor, reason: str, now: datetime, seen: int | None = None
) -> ActionItem:
    """Note that its owner has done a measure; `reason` is the proof. Also after closing."""
    incident, item = _get_locked(incident_id, item_id, end=MeasureState.DONE, seen=seen)
    if actor.user_id != item.owner_id:
        raise NotAllowed("measure_of_another", owner=str(item.owner))
    with recorded(actor=actor, reason=reason, now=now) as recording:
        item.status = MeasureState.DONE
        item.done_at = now
        item.done_by_id = actor.user_id
        item.proof = recording.reason
        item.save()
        entry = add_entry(incident, code="action_item_done", actor=actor, now=now, note=item.title)
    tell_measure_to_verify(item, key=f"{entry.pk}", now=now)
    return item


@transaction.atomic
def verify_action_item(
    *, incident_id: int, item_id: int, actor: Actor, reason: str, now: datetime, seen: int | None = None
) -> ActionItem:
    """Note that somebody other than the owner looked and found it done; `reason` is what they saw."""
    incident, item = _get_locked(incident_id, item_id, end=MeasureState.VERIFIED, seen=seen)
    _check_verifier(item, actor)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        item.status = MeasureState.VERIFIED
        item.verified_at = now
        item.verified_by_id = actor.user_id
        item.checked = recording.reason
        item.save()
        add_entry(incident, code="action_item_verified", actor=actor, now=now, note=item.title)
    return item


@transaction.atomic
def reject_action_item(
    *, incident_id: int, item_id: int, actor: Actor, reason: str, now: datetime, seen: int | None = None
) -> ActionItem:
    """Open a measure again that is not done, saying what is missing; its owner is told."""
    incident, item = _get_locked(incident_id, item_id, end=MeasureState.OPEN, seen=seen)
    _check_verifier(item, actor)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        item.status = MeasureState.OPEN
        item.done_at = item.done_by = None
        item.proof = ""
        item.save()
        entry = add_entry(incident, code="action_item_rejected", actor=actor, now=now, note=item.title)
    tell_measure_rejected(item, reason=recording.reason, key=f"{entry.pk}", now=now)
    return item


@transaction.atomic
def drop_action_item(
    *, incident_id: int, item_id: int, actor: Actor, reason: str, now: datetime, seen: int | None = None
) -> ActionItem:
    """Give a measure up, saying why; a post-mortem under review has to be reviewed anew."""
    incident, item = _get_locked(incident_id, item_id, end=MeasureState.DROPPED, seen=seen)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        item.status = MeasureState.DROPPED
        item.dropped_at = now
        item.drop_reason = recording.reason
        item.save()
        # What is left out of a plan is written as well.
        _note_rewritten(incident, actor=actor, now=now)
        add_entry(incident, code="action_item_dropped", actor=actor, now=now, note=item.title)
    return item


@transaction.atomic
def hand_over_action_item(
    *,
    incident_id: int,
    item_id: int,
    owner_id: int,
    verifier_id: int | None,
    due_on: date,
    actor: Actor,
    reason: str,
    today: date,
    now: datetime,
    seen: int | None = None,
) -> ActionItem:
    """Give an open measure another owner, verifier or date; also after closing.

    A post-mortem under review has to be reviewed anew: who does it and until when is part of the plan.
    """
    incident, item = _get_locked(incident_id, item_id, end=None, seen=seen)
    if item.status != MeasureState.OPEN:
        raise Refusal("wrong_state", start=item.status, end=str(MeasureState.OPEN))
    _check_people(owner_id, verifier_id)
    if due_on != item.due_on:
        _check_date(due_on, today=today)
    if (owner_id, verifier_id, due_on) == (item.owner_id, item.verifier_id, item.due_on):
        check_reason(reason)
        return item
    with recorded(actor=actor, reason=reason, now=now):
        item.owner_id, item.verifier_id, item.due_on = owner_id, verifier_id, due_on
        item.save()
        _note_rewritten(incident, actor=actor, now=now)
        add_entry(incident, code="action_item_handed_over", actor=actor, now=now, note=item.title)
    return item


def _get_locked(
    incident_id: int, item_id: int, *, end: MeasureState | None, seen: int | None
) -> tuple[Incident, ActionItem]:
    """Return the locked incident and measure; refuse where no edge leads to `end`."""
    incident = get_locked_incident(incident_id)
    rows = ActionItem.objects.select_for_update(of=("self",)).select_related("owner", "post_mortem")
    item = rows.filter(pk=item_id, post_mortem__incident=incident).first()
    if item is None:
        raise InvalidInput("measure_unknown", item=item_id)
    check_version(item, seen)
    if end is not None:
        check_move(EDGES, start=MeasureState(item.status), end=end)
    return incident, item


def _note_rewritten(incident: Incident, *, actor: Actor, now: datetime) -> None:
    """Make whoever changed the plan an author of it, and a review void, while the post-mortem is unpublished."""
    post_mortem = incident.post_mortem
    if post_mortem.published_at is None:
        note_author(post_mortem, actor=actor, now=now)
        void_review(incident, post_mortem, actor=actor, now=now)


def _check_people(owner_id: int, verifier_id: int | None) -> None:
    for user_id in {owner_id, owner_id if verifier_id is None else verifier_id}:
        user = User.objects.filter(pk=user_id, is_active=True).first()
        if user is None:
            raise InvalidInput("person_unknown", user_id=user_id)
        if not can(user, Capability.HANDLE_INCIDENTS):
            raise InvalidInput("measure_needs_handler", person=str(user))
    if verifier_id == owner_id:
        raise InvalidInput("verifier_is_owner")


def _check_date(due_on: date, *, today: date) -> None:
    if due_on < today:
        raise InvalidInput("due_in_past", due_on=str(due_on))


def _check_verifier(item: ActionItem, actor: Actor) -> None:
    if actor.user_id is None:
        raise NotAllowed("verified_by_no_person")
    if actor.user_id in {item.owner_id, item.done_by_id}:
        raise NotAllowed("verified_by_owner")
