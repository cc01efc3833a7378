"""Makes of an announcement what outlets say: words with their places filled, and whom it reaches."""

from collections.abc import Mapping
from datetime import datetime

from announcements.audience_queries import list_readers, list_told, read_reach
from announcements.domain.kinds import Kind
from announcements.domain.lifecycle import Act
from announcements.domain.message import LANGUAGES, Message, Reach, Text
from announcements.domain.placeholders import KNOWN, fill, find_empty
from announcements.facts import find_hotline, read_values
from announcements.models import Announcement, AnnouncementVersion


def compose_message(announcement: Announcement, *, by_id: int | None, now: datetime) -> Message:
    """Return the message that a draft is now: its words filled, its reach counted."""
    reach = read_reach(announcement, now=now)
    return fill_message(announcement, reach=reach, act=Act.FIRST, number=1, notes={}, by_id=by_id, now=now)


def fill_message(
    announcement: Announcement,
    *,
    reach: Reach,
    act: Act,
    number: int,
    notes: Mapping[str, str],
    by_id: int | None,
    now: datetime,
) -> Message:
    """Return an announcement's words with their places filled, for a reach that is known."""
    texts, gaps, hotline = {}, {}, find_hotline(announcement.environment_id)
    for language in LANGUAGES:
        values = read_values(
            announcement, language=language, site_keys=reach.site_keys, is_everywhere=reach.is_everywhere, now=now
        )
        title, body = getattr(announcement, f"title_{language}"), getattr(announcement, f"body_{language}")
        gaps[language] = find_empty(title, values)
        shown = values | dict.fromkeys(gaps[language], "…")
        texts[language] = Text(" ".join(fill(title, shown).split()), fill(body, values))
    return Message(
        announcement_id=announcement.pk or 0,
        number=number,
        kind=Kind(announcement.kind),
        act=act,
        environment_id=announcement.environment_id,
        environment_key=announcement.environment.key,
        texts=texts,
        notes=notes,
        outlets=list(announcement.outlets),
        reach=reach,
        roles=list(announcement.roles),
        hotline=hotline.phone if hotline else "",
        next_update_at=announcement.next_update_at,
        starts_at=announcement.starts_at,
        ends_at=announcement.ends_at,
        rollout_id=announcement.rollout_id,
        incident_id=announcement.incident_id,
        by_id=by_id,
        is_rehearsal=announcement.is_exercise,
        one_language_reason=announcement.one_language_reason,
        gaps=gaps,
    )


def read_message(version: AnnouncementVersion) -> Message:
    """Return a version as its outlets say it; a later one goes to those whom the first reached."""
    announcement = version.announcement
    if version.act == Act.FIRST:
        people = list_readers(roles=version.roles, site_keys=version.site_keys)
    else:
        people = list_told(announcement.pk)
    reach = Reach(
        user_ids=[one.pk for one in people],
        mails=sum(bool(one.email) for one in people),
        site_keys=version.site_keys,
        tills=version.tills,
        is_everywhere=version.is_everywhere,
    )
    return Message(
        announcement_id=announcement.pk,
        number=version.number,
        kind=Kind(announcement.kind),
        act=Act(version.act),
        environment_id=announcement.environment_id,
        environment_key=announcement.environment.key,
        texts={"fr": Text(version.title_fr, version.body_fr), "en": Text(version.title_en, version.body_en)},
        notes={"fr": version.note_fr, "en": version.note_en},
        outlets=list(version.outlets),
        reach=reach,
        roles=list(version.roles),
        hotline=version.hotline,
        next_update_at=version.next_update_at,
        starts_at=version.starts_at,
        ends_at=version.ends_at,
        rollout_id=announcement.rollout_id,
        incident_id=announcement.incident_id,
        by_id=version.by_id,
        is_rehearsal=announcement.is_exercise,
        one_language_reason=version.one_language_reason,
    )


def say_titles(announcement: Announcement) -> dict[str, str]:
    """Return an announcement's titles as a list names it: places that ask for more than its own row stay open.

    No query where `with_subjects` read it.
    """
    rollout, incident = announcement.rollout, announcement.incident
    known = {
        "environment": announcement.environment.name,
        "release": rollout.release.version if rollout else "",
        "release_name": rollout.release.name if rollout else "",
        "incident": str(incident.pk) if incident else "",
        "incident_title": incident.title if incident else "",
    }
    shown = {name: known.get(name) or "…" for name in KNOWN}
    return {language: fill(getattr(announcement, f"title_{language}"), shown) for language in LANGUAGES}
