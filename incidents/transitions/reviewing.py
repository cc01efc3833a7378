"""Reviews and publishes a post-mortem: by somebody who wrote none of it, once nothing is missing."""

import re
import unicodedata
from datetime import datetime

from django.db import transaction
from django.utils.text import slugify

from core.actors import Actor
from core.domain.lifecycle import check_move
from core.errors import NotAllowed, Refusal
from core.history import recorded
from core.models import User
from core.versions import check_version
from incidents.domain.reviewing import EDGES, Stage, Visibility
from incidents.evidence_queries import compose_evidence
from incidents.learning_queries import list_publishing_gaps, list_review_gaps
from incidents.models import Incident, PostMortem
from incidents.transitions.locking import add_entry, check_not_closed, get_locked_incident
from incidents.transitions.telling_learnt import tell_review, tell_sent_back
from incidents.transitions.writing import make_draft, note_author

#: Shorter parts of a name are words of many other texts.
SHORTEST_NAME = 3
SLUG_CHARACTERS = 60
NAMES_TOLD = 5


@transaction.atomic
def submit_post_mortem(
    *, incident_id: int, actor: Actor, reason: str, now: datetime, seen: int | None = None
) -> PostMortem:
    """Ask for a review: nothing may be missing, and what the portal knows is frozen beside it."""
    incident, post_mortem = _get_locked(incident_id, end=Stage.IN_REVIEW, seen=seen)
    gaps = list_review_gaps(incident, post_mortem)
    if gaps:
        raise Refusal("post_mortem_incomplete", incident=incident_id, gaps=gaps)
    check_names(post_mortem)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        note_author(post_mortem, actor=actor, now=now)
        post_mortem.status = Stage.IN_REVIEW
        post_mortem.submitted_at = now
        post_mortem.evidence = compose_evidence(incident, now=now)
        post_mortem.save()
        add_entry(incident, code="review_asked", actor=actor, now=now, note=recording.reason)
    tell_review(incident, now=now)
    return post_mortem


@transaction.atomic
def approve_post_mortem(
    *, incident_id: int, actor: Actor, reason: str, now: datetime, seen: int | None = None
) -> PostMortem:
    """Approve what somebody else wrote."""
    incident, post_mortem = _get_locked(incident_id, end=Stage.APPROVED, seen=seen)
    _check_reviewer(post_mortem, actor)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        post_mortem.status = Stage.APPROVED
        post_mortem.approved_at = now
        post_mortem.approved_by_id = actor.user_id
        post_mortem.save()
        add_entry(incident, code="review_approved", actor=actor, now=now, note=recording.reason)
    return post_mortem


@transaction.atomic
def send_back_post_mortem(
    *, incident_id: int, actor: Actor, reason: str, now: datetime, seen: int | None = None
) -> PostMortem:
    """Send back what is not good enough yet, saying why; its authors are told."""
    incident, post_mortem = _get_locked(incident_id, end=Stage.DRAFT, seen=seen)
    if post_mortem.status != Stage.IN_REVIEW:
        raise Refusal("wrong_state", start=post_mortem.status, end=str(Stage.DRAFT))
    _check_reviewer(post_mortem, actor)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        make_draft(post_mortem)
        post_mortem.save()
        entry = add_entry(incident, code="review_sent_back", actor=actor, now=now, note=recording.reason)
    tell_sent_back(incident, post_mortem, reason=recording.reason, key=entry.pk, now=now)
    return post_mortem


@transaction.atomic
def publish_post_mortem(
    *, incident_id: int, actor: Actor, reason: str, now: datetime, seen: int | None = None
) -> PostMortem:
    """Publish what is approved, to the people of the portal or to everybody; refuse with all that is missing."""
    incident = get_locked_incident(incident_id)
    post_mortem = incident.post_mortem
    check_version(post_mortem, seen)
    if post_mortem.status == Stage.PUBLISHED:
        raise Refusal("wrong_state", start=post_mortem.status, end=str(Stage.PUBLISHED))
    gaps = list_publishing_gaps(incident, post_mortem)
    if gaps:
        raise Refusal("post_mortem_incomplete", incident=incident_id, gaps=gaps)
    check_move(EDGES, start=Stage(post_mortem.status), end=Stage.PUBLISHED)
    check_names(post_mortem)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        post_mortem.status = Stage.PUBLISHED
        post_mortem.published_at = now
        if post_mortem.visibility == Visibility.PUBLIC and post_mortem.slug is None:
            words = slugify(post_mortem.public_title)[:SLUG_CHARACTERS].strip("-")
            post_mortem.slug = f"{words}-{incident_id}".strip("-")
        post_mortem.save()
        add_entry(incident, code="post_mortem_published", actor=actor, now=now, note=recording.reason)
    return post_mortem


@transaction.atomic
def withdraw_post_mortem(
    *, incident_id: int, actor: Actor, reason: str, now: datetime, seen: int | None = None
) -> PostMortem:
    """Make a draft of it again, from its review or its publication; not once the incident is closed."""
    incident, post_mortem = _get_locked(incident_id, end=Stage.DRAFT, seen=seen)
    check_not_closed(incident)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        make_draft(post_mortem)
        post_mortem.save()
        add_entry(incident, code="post_mortem_withdrawn", actor=actor, now=now, note=recording.reason)
    return post_mortem


@transaction.atomic
def hide_post_mortem(*, incident_id: int, actor: Actor, reason: str, now: datetime) -> PostMortem:
    """Take a public post-mortem from everybody's eyes at once, also of a closed incident; it stays published inside."""
    incident = get_locked_incident(incident_id)
    post_mortem = incident.post_mortem
    if post_mortem.status != Stage.PUBLISHED or post_mortem.visibility != Visibility.PUBLIC:
        raise Refusal("post_mortem_not_public", incident=incident_id)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        post_mortem.visibility = Visibility.INTERNAL
        post_mortem.save()
        add_entry(incident, code="post_mortem_hidden", actor=actor, now=now, note=recording.reason)
    return post_mortem


def check_names(post_mortem: PostMortem) -> None:
    """Refuse a public text that names one of the portal's people."""
    if post_mortem.visibility != Visibility.PUBLIC:
        return
    said = unicodedata.normalize("NFC", f"{post_mortem.public_title}\n{post_mortem.public_text}")
    names = {part for user in User.objects.all() for part in _list_names(user)}
    found = sorted(name for name in names if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", said))
    if found:
        raise Refusal("public_text_names_people", incident=post_mortem.incident_id, names=found[:NAMES_TOLD])


def _list_names(user: User) -> list[str]:
    """Return what names a person: the parts of the name, also in capitals as French writes surnames, and the address.

    Small letters are left out: many a name is a word of other texts.
    """
    parts = unicodedata.normalize("NFC", user.get_full_name()).split()
    names = [part for part in parts if len(part) >= SHORTEST_NAME and not part.islower()]
    written = [form for name in names for form in (name, name.upper(), name.title())]
    return [*written, user.email] if user.email else written


def _get_locked(incident_id: int, *, end: Stage, seen: int | None) -> tuple[Incident, PostMortem]:
    """Return the locked incident and its post-mortem: the incident's lock stands for both."""
    incident = get_locked_incident(incident_id)
    post_mortem = incident.post_mortem
    check_version(post_mortem, seen)
    check_move(EDGES, start=Stage(post_mortem.status), end=end)
    return incident, post_mortem


def _check_reviewer(post_mortem: PostMortem, actor: Actor) -> None:
    if actor.user_id is None:
        raise NotAllowed("review_by_no_person")
    if post_mortem.authors.filter(user_id=actor.user_id).exists():
        raise Refusal("review_by_author", incident=post_mortem.incident_id)
