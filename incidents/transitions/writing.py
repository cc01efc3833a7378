"""Writes a post-mortem. Everybody who wrote is one of its authors, and an edit voids its review."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.errors import InvalidInput, Refusal
from core.history import recorded
from core.reasons import write_reason
from core.versions import check_version
from incidents.domain.reviewing import Stage, Visibility
from incidents.learning_queries import TEXTS
from incidents.models import Incident, PostMortem, PostMortemAuthor
from incidents.models.post_mortems import WHYS
from incidents.transitions.locking import (
    MAX_TEXT_CHARACTERS,
    add_entry,
    check_not_closed,
    check_text,
    get_locked_incident,
)

MAX_PUBLIC_TITLE_CHARACTERS = 200
MAX_WHY_CHARACTERS = 1_000


@transaction.atomic
def write_post_mortem(
    *,
    incident_id: int,
    texts: Mapping[str, str],
    actor: Actor,
    now: datetime,
    whys: Sequence[str] | None = None,
    visibility: str | None = None,
    repeats_id: int | None = None,
    seen: int | None = None,
) -> PostMortem:
    """Write what was learnt, by the name of the text; what is not given stays, `repeats_id` aside.

    Refused where somebody wrote since `seen`, the post-mortem's last history row, and once it is published.
    """
    incident = get_locked_incident(incident_id)
    check_not_closed(incident)
    post_mortem = incident.post_mortem
    wanted: dict[str, object] = {name: _check(name, text) for name, text in texts.items()}
    if whys is not None:
        wanted["whys"] = [check_text(why, limit=MAX_WHY_CHARACTERS) for why in whys[:WHYS]]
    if visibility is not None:
        wanted["visibility"] = _check_visibility(visibility)
    wanted["repeats_id"] = _check_repeats(incident, repeats_id)
    if all(getattr(post_mortem, name) == value for name, value in wanted.items()):
        return post_mortem
    check_version(post_mortem, seen)
    check_unpublished(post_mortem)
    with recorded(actor=actor, reason=write_reason("post_mortem_written"), now=now):
        for name, value in wanted.items():
            setattr(post_mortem, name, value)
        note_author(post_mortem, actor=actor, now=now)
        is_draft = post_mortem.status == Stage.DRAFT
        void_review(incident, post_mortem, actor=actor, now=now)
        if is_draft:
            post_mortem.save()
        add_entry(incident, code="post_mortem_written", actor=actor, now=now)
    return post_mortem


@transaction.atomic
def ask_for_post_mortem(*, incident_id: int, actor: Actor, reason: str, now: datetime) -> PostMortem:
    """Ask for a whole post-mortem of an incident whose tier does not: it is due as others are."""
    incident = get_locked_incident(incident_id)
    check_not_closed(incident)
    post_mortem = incident.post_mortem
    if post_mortem.is_wanted:
        raise Refusal("post_mortem_wanted_already", incident=incident_id)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        post_mortem.is_wanted = True
        post_mortem.save()
        add_entry(incident, code="post_mortem_wanted", actor=actor, now=now, note=recording.reason)
    return post_mortem


def note_author(post_mortem: PostMortem, *, actor: Actor, now: datetime) -> None:
    """Note that a person wrote: they cannot review it any more."""
    if actor.user_id is not None:
        PostMortemAuthor.objects.get_or_create(
            post_mortem=post_mortem, user_id=actor.user_id, defaults={"first_at": now}
        )


def check_unpublished(post_mortem: PostMortem) -> None:
    """Refuse to change what is published: it is withdrawn first."""
    if post_mortem.status == Stage.PUBLISHED:
        raise Refusal("post_mortem_published", incident=post_mortem.incident_id)


def void_review(incident: Incident, post_mortem: PostMortem, *, actor: Actor, now: datetime) -> None:
    """Make a draft of it again where its review had begun: nobody has reviewed what it says now."""
    if post_mortem.status == Stage.DRAFT:
        return
    make_draft(post_mortem)
    post_mortem.save()
    add_entry(incident, code="review_voided", actor=actor, now=now)


def make_draft(post_mortem: PostMortem) -> None:
    """Take review and publication back; the evidence is live again."""
    post_mortem.status = Stage.DRAFT
    post_mortem.evidence = post_mortem.submitted_at = None
    post_mortem.approved_at = post_mortem.approved_by = post_mortem.published_at = None


def _check(name: str, text: str) -> str:
    if name not in TEXTS:
        raise InvalidInput("section_unknown", section=name)
    is_title = name == "public_title"
    text = check_text(text, limit=MAX_PUBLIC_TITLE_CHARACTERS if is_title else MAX_TEXT_CHARACTERS)
    return " ".join(text.split()) if is_title else text


def _check_visibility(visibility: str) -> Visibility:
    if visibility not in set(Visibility):
        raise InvalidInput("visibility_unknown", visibility=visibility)
    return Visibility(visibility)


def _check_repeats(incident: Incident, repeats_id: int | None) -> int | None:
    if repeats_id is None:
        return None
    if repeats_id >= incident.pk or not Incident.objects.filter(pk=repeats_id).exists():
        raise InvalidInput("earlier_incident_unknown", incident=repeats_id)
    return repeats_id
