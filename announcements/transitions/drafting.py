"""Drafts: written, changed, and what may stand in one."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Model

from announcements.domain.kinds import Kind
from announcements.domain.lifecycle import Places, Status
from announcements.domain.placeholders import find_unknown
from announcements.models import LONGEST_BODY, LONGEST_TITLE, Announcement
from announcements.outlets import get_outlets
from announcements.transitions.locking import check_line, check_moment, check_words, get_locked_announcement
from core.actors import Actor
from core.errors import InvalidInput, Refusal
from core.history import recorded
from core.reasons import write_reason
from core.roles import Role
from flags.models import Environment, Flag, Site
from incidents.models import Incident
from rollouts.models import Rollout

LONGEST_REASON = 300


@dataclass(frozen=True)
class Content:
    """What a draft says, of what, by which outlets and to whom. Words keep their places (`{release}`)."""

    kind: Kind
    title_fr: str = ""
    body_fr: str = ""
    title_en: str = ""
    body_en: str = ""
    one_language_reason: str = ""
    outlets: Collection[str] = ()
    roles: Collection[str] = ()
    places: Places = Places.EVERYWHERE
    site_keys: Collection[str] = ()
    flag_id: int | None = None
    rollout_id: int | None = None
    incident_id: int | None = None
    follows_id: int | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    next_update_at: datetime | None = None


@transaction.atomic
def create_draft(
    *,
    content: Content,
    environment_id: int,
    actor: Actor,
    now: datetime,
    reason: str = "",
    request_id: str = "",
    request_hash: str = "",
) -> Announcement:
    """Write a draft; a program's wish that was met before gives what it made then."""
    environment = Environment.objects.select_for_update(of=("self",), no_key=True).filter(pk=environment_id).first()
    if environment is None:
        raise InvalidInput("environment_unknown")
    if request_id:
        made = Announcement.objects.filter(environment=environment, request_id=request_id).first()
        if made is not None and made.request_hash != request_hash:
            raise Refusal("announcement_id_reused", request=request_id)
        if made is not None:
            return made
    draft = Announcement(
        environment=environment,
        author_id=actor.user_id,
        created_at=now,
        request_id=request_id,
        request_hash=request_hash,
    )
    fill_draft(draft, content)
    with recorded(actor=actor, reason=reason or write_reason("announcement_drafted"), now=now):
        draft.save()
    return draft


@transaction.atomic
def edit_draft(
    *,
    announcement_id: int,
    content: Content,
    actor: Actor,
    now: datetime,
    reason: str = "",
    seen: int | None = None,
) -> Announcement:
    """Change a draft; refuses where somebody else did since `seen`. Each state of it stays in its history."""
    draft = get_locked_announcement(announcement_id, seen=seen)
    check_is_draft(draft)
    fill_draft(draft, content)
    with recorded(actor=actor, reason=reason or write_reason("announcement_edited"), now=now):
        draft.save()
    return draft


def check_is_draft(announcement: Announcement) -> None:
    """Refuse to change what was confirmed: what people saw is what goes out."""
    if announcement.status != Status.DRAFT:
        raise Refusal("announcement_no_draft", state=announcement.status)


def fill_draft(draft: Announcement, content: Content) -> None:
    """Put a content into a draft, saved or not; refuse what cannot stand there."""
    fill_words(draft, content)
    _check_links(draft, content)
    draft.kind = content.kind
    draft.outlets = [outlet.key for outlet in get_outlets(content.outlets)]
    draft.roles = _check_roles(content.roles)
    draft.rollout_id, draft.incident_id = content.rollout_id, content.incident_id
    draft.follows_id = content.follows_id
    _fill_sites(draft, content)
    draft.starts_at, draft.ends_at = check_moment(content.starts_at), check_moment(content.ends_at)
    draft.next_update_at = check_moment(content.next_update_at)
    _check_window(draft)


def fill_words(draft: Announcement, content: Content) -> None:
    """Put a content's words in; refuse a place that there is not, and what is too long."""
    for language in ("fr", "en"):
        title = check_line(getattr(content, f"title_{language}"), limit=LONGEST_TITLE)
        body = check_words(getattr(content, f"body_{language}"), limit=LONGEST_BODY)
        check_placeholders({f"title_{language}": title, f"body_{language}": body})
        setattr(draft, f"title_{language}", title)
        setattr(draft, f"body_{language}", body)
    draft.one_language_reason = check_line(content.one_language_reason, limit=LONGEST_REASON)


def move_window(announcement: Announcement, content: Content) -> None:
    """Move the window of what was said where a content names one; else it stays."""
    if content.starts_at is None and content.ends_at is None:
        return
    announcement.starts_at, announcement.ends_at = check_moment(content.starts_at), check_moment(content.ends_at)
    _check_window(announcement)


def _check_window(announcement: Announcement) -> None:
    starts_at, ends_at = announcement.starts_at, announcement.ends_at
    if starts_at and ends_at and ends_at <= starts_at:
        raise InvalidInput("announcement_ends_before")


def check_placeholders(texts: Mapping[str, str]) -> None:
    """Refuse what stands in braces and names nothing, in any of the texts, which are given by their fields."""
    for field, text in texts.items():
        unknown = find_unknown(text)
        if unknown:
            raise InvalidInput("placeholder_unknown", name=unknown[0][:60] or "…", field=field)


def _fill_sites(draft: Announcement, content: Content) -> None:
    draft.places = content.places
    draft.site_keys, draft.flag = [], None
    if content.places is Places.SITES:
        draft.site_keys = _check_sites(content.site_keys)
    if content.places is Places.FLAG:
        draft.flag = Flag.objects.filter(pk=content.flag_id or 0).first()
        if draft.flag is None:
            raise InvalidInput("announcement_flag_missing")


def _check_links(draft: Announcement, content: Content) -> None:
    """Refuse a rollout, an incident or an announcement before it that is not of the same environment."""
    wanted: tuple[tuple[type[Model], int | None, str], ...] = (
        (Rollout, content.rollout_id, "announcement_rollout_wrong"),
        (Incident, content.incident_id, "announcement_incident_wrong"),
        (Announcement, content.follows_id, "announcement_follows_wrong"),
    )
    for model, number, code in wanted:
        rows = model._default_manager.filter(pk=number or 0, environment=draft.environment_id)
        if number is not None and not rows.exists():
            raise InvalidInput(code)
    if content.follows_id is not None and content.follows_id == draft.pk:
        raise InvalidInput("announcement_follows_wrong")


def _check_roles(roles: Collection[str]) -> list[str]:
    if set(roles) - {str(role) for role in Role}:
        raise InvalidInput("announcement_role_unknown")
    return [str(role) for role in Role if str(role) in set(roles)]


def _check_sites(keys: Collection[str]) -> list[str]:
    wanted = sorted(set(keys))
    if Site.objects.filter(key__in=wanted).count() != len(wanted):
        raise InvalidInput("announcement_site_unknown")
    return wanted
