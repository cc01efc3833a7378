"""Announcements go out: at once or at their time, put right, taken back. The outlets themselves: `running`."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction

from announcements.domain.lifecycle import EDGES, SAID, Act, RunState, Status
from announcements.domain.message import Message
from announcements.messages import compose_message, fill_message, read_message
from announcements.models import LONGEST_NOTE, Announcement, AnnouncementVersion, OutletRun
from announcements.outlets import find_outlet
from announcements.transitions.checking import check_confirmed, check_sayable
from announcements.transitions.drafting import Content, fill_words, move_window
from announcements.transitions.locking import check_line, check_moment, get_locked_announcement
from announcements.transitions.telling import tell_given_back
from core.actors import SCHEDULER, Actor
from core.domain.lifecycle import check_move
from core.errors import InvalidInput, Refusal
from core.history import recorded
from core.reasons import write_reason

#: Further ahead it is a slip of the year.
FURTHEST = timedelta(days=366)


@transaction.atomic
def publish_announcement(
    *,
    announcement_id: int,
    actor: Actor,
    reason: str,
    now: datetime,
    confirmed: int | None = None,
    seen: int | None = None,
) -> AnnouncementVersion:
    """Say a draft, or at once what waits for its time; its outlets follow within the second.

    `confirmed`: how many people and tills whoever confirms was shown; of many, another number now is refused.
    """
    announcement = get_locked_announcement(announcement_id, seen=seen)
    check_move(EDGES, start=Status(announcement.status), end=Status.PUBLISHING)
    if announcement.status not in {Status.DRAFT, Status.SCHEDULED}:
        raise Refusal("announcement_said_already")
    message = compose_message(announcement, by_id=actor.user_id, now=now)
    outlets = check_sayable(message, now=now)
    check_confirmed(message, outlets, confirmed=confirmed)
    announcement.confirmed_by_id = actor.user_id
    return _say(announcement, message, actor=actor, reason=reason, now=now)


@transaction.atomic
def schedule_announcement(
    *,
    announcement_id: int,
    publish_at: datetime,
    actor: Actor,
    reason: str,
    now: datetime,
    confirmed: int | None = None,
    seen: int | None = None,
) -> Announcement:
    """Have a draft said at a moment ahead; until then it can be called back."""
    announcement = get_locked_announcement(announcement_id, seen=seen)
    check_move(EDGES, start=Status(announcement.status), end=Status.SCHEDULED)
    if not now < publish_at <= now + FURTHEST:
        raise InvalidInput("announcement_time_wrong", days=FURTHEST.days)
    message = compose_message(announcement, by_id=actor.user_id, now=publish_at)
    check_confirmed(message, check_sayable(message, now=publish_at), confirmed=confirmed)
    announcement.status, announcement.publish_at = Status.SCHEDULED, publish_at
    announcement.confirmed_by_id = actor.user_id
    with recorded(actor=actor, reason=reason, now=now):
        announcement.save()
    return announcement


@transaction.atomic
def unschedule_announcement(
    *, announcement_id: int, actor: Actor, reason: str, now: datetime, seen: int | None = None
) -> Announcement:
    """Make a draft again of what waits for its time."""
    announcement = get_locked_announcement(announcement_id, seen=seen)
    check_move(EDGES, start=Status(announcement.status), end=Status.DRAFT)
    return _back_to_draft(announcement, actor=actor, reason=reason, now=now)


def _back_to_draft(announcement: Announcement, *, actor: Actor, reason: str, now: datetime) -> Announcement:
    announcement.status, announcement.publish_at, announcement.confirmed_by = Status.DRAFT, None, None
    with recorded(actor=actor, reason=reason, now=now):
        announcement.save()
    return announcement


@transaction.atomic
def begin_scheduled(announcement_id: int, *, now: datetime) -> AnnouncementVersion | None:
    """Say what is due; None where another worker has it, or somebody called it back.

    What cannot be said any more (an incident that closed meanwhile) raises its refusal: see `give_back`.
    """
    rows = Announcement.objects.select_for_update(of=("self",), skip_locked=True)
    due = rows.filter(pk=announcement_id, status=Status.SCHEDULED, publish_at__lte=now)
    if not due.exists():
        return None
    announcement = get_locked_announcement(announcement_id)
    message = compose_message(announcement, by_id=announcement.confirmed_by_id, now=now)
    check_sayable(message, now=now)
    return _say(announcement, message, actor=SCHEDULER, reason=write_reason("announcement_due"), now=now)


@transaction.atomic
def give_back(announcement_id: int, *, code: str, now: datetime) -> Announcement | None:
    """Make a draft of what was due and could not be said, with the refusal's code on record; None where it is moot."""
    rows = Announcement.objects.select_for_update(of=("self",), skip_locked=True)
    if not rows.filter(pk=announcement_id, status=Status.SCHEDULED, publish_at__lte=now).exists():
        return None
    announcement = get_locked_announcement(announcement_id)
    tell_given_back(announcement, now=now)
    reason = write_reason("announcement_refused", refusal=code)
    return _back_to_draft(announcement, actor=SCHEDULER, reason=reason, now=now)


@transaction.atomic
def correct_announcement(
    *,
    announcement_id: int,
    content: Content,
    note_fr: str,
    note_en: str,
    actor: Actor,
    reason: str,
    now: datetime,
    confirmed: int | None = None,
    seen: int | None = None,
) -> AnnouncementVersion:
    """Say an announcement anew, put right, by the same outlets to whom it reached; `note_*` say what was wrong.

    Of the content only the words, the promised update and a window count: what it is about and for whom stays.
    """
    announcement = get_locked_announcement(announcement_id, seen=seen)
    _check_correctable(announcement)
    fill_words(announcement, content)
    move_window(announcement, content)
    announcement.next_update_at = check_moment(content.next_update_at)
    notes = _check_notes(note_fr, note_en)
    message = compose_correction(announcement, notes=notes, by_id=actor.user_id, now=now)
    check_confirmed(message, check_sayable(message, now=now), confirmed=confirmed)
    return _say(announcement, message, actor=actor, reason=reason, now=now)


def _check_correctable(announcement: Announcement) -> None:
    if announcement.status == Status.PUBLISHING:
        raise Refusal("announcement_under_way")
    if announcement.status not in SAID:
        raise Refusal("announcement_not_said")


@transaction.atomic
def withdraw_announcement(
    *,
    announcement_id: int,
    actor: Actor,
    reason: str,
    now: datetime,
    note_fr: str = "",
    note_en: str = "",
    seen: int | None = None,
) -> Announcement:
    """Give a draft up, or take back what was said: outlets that have not said it do not, the others take it back.

    `note_*` say to those who read it why it does not hold; a draft needs none.
    """
    announcement = get_locked_announcement(announcement_id, seen=seen)
    check_move(EDGES, start=Status(announcement.status), end=Status.WITHDRAWN)
    if not announcement.is_said:
        announcement.status, announcement.publish_at = Status.WITHDRAWN, None
        with recorded(actor=actor, reason=reason, now=now):
            announcement.save()
        return announcement
    notes = _check_notes(note_fr, note_en)
    if not any(notes.values()):
        raise InvalidInput("announcement_note_missing")
    OutletRun.objects.filter(version__announcement=announcement, status=RunState.PENDING).update(
        status=RunState.DROPPED, next_attempt_at=now
    )
    # The words as they were read, whatever the draft's places would be filled with by now.
    last = announcement.versions.select_related("announcement").order_by("-number")[0]
    _add_version(announcement, _take_back(last, notes), actor=actor, reason=reason, now=now, only=_list_saying(last))
    announcement.status = Status.WITHDRAWN
    with recorded(actor=actor, reason=reason, now=now):
        announcement.save()
    return announcement


def _take_back(last: AnnouncementVersion, notes: Mapping[str, str]) -> Message:
    last.act, last.number = Act.WITHDRAWAL, last.number + 1
    last.note_fr, last.note_en, last.next_update_at = notes["fr"], notes["en"], None
    return read_message(last)


def _list_saying(last: AnnouncementVersion) -> set[str]:
    """Return the outlets that have said any version and can take it back."""
    said = OutletRun.objects.filter(version__announcement=last.announcement_id, status=RunState.DONE)
    keys = set(said.values_list("outlet", flat=True))
    return {key for key in keys if (outlet := find_outlet(key)) is not None and outlet.takes_back}


def compose_correction(
    announcement: Announcement, *, notes: Mapping[str, str], by_id: int | None, now: datetime
) -> Message:
    """Return the next version of what was said, filled anew, for those whom it reached."""
    last = announcement.versions.select_related("announcement").order_by("-number")[0]
    number = last.number + 1
    last.act = act = Act.CORRECTION
    return fill_message(
        announcement, reach=read_message(last).reach, act=act, number=number, notes=notes, by_id=by_id, now=now
    )


def _check_notes(note_fr: str, note_en: str) -> dict[str, str]:
    return {"fr": check_line(note_fr, limit=LONGEST_NOTE), "en": check_line(note_en, limit=LONGEST_NOTE)}


def _say(
    announcement: Announcement, message: Message, *, actor: Actor, reason: str, now: datetime
) -> AnnouncementVersion:
    """Write the version and what its outlets have to do, in the caller's transaction."""
    announcement.status, announcement.publish_at = Status.PUBLISHING, None
    with recorded(actor=actor, reason=reason, now=now):
        announcement.save()
    return _add_version(announcement, message, actor=actor, reason=reason, now=now, only=set(message.outlets))


def _add_version(
    announcement: Announcement, message: Message, *, actor: Actor, reason: str, now: datetime, only: set[str]
) -> AnnouncementVersion:
    fr, en, reach = message.texts["fr"], message.texts["en"], message.reach
    version = AnnouncementVersion.objects.create(
        announcement=announcement,
        number=message.number,
        act=message.act,
        title_fr=fr.title,
        body_fr=fr.body,
        title_en=en.title,
        body_en=en.body,
        note_fr=message.notes.get("fr", ""),
        note_en=message.notes.get("en", ""),
        one_language_reason=message.one_language_reason,
        hotline=message.hotline,
        outlets=list(message.outlets),
        roles=list(message.roles),
        site_keys=list(reach.site_keys),
        is_everywhere=reach.is_everywhere,
        tills=reach.tills,
        starts_at=message.starts_at,
        ends_at=message.ends_at,
        next_update_at=message.next_update_at,
        at=now,
        by_id=actor.user_id or message.by_id,
        by_label=actor.label[:200],
        reason=reason.strip(),
    )
    OutletRun.objects.bulk_create(
        OutletRun(version=version, outlet=key, next_attempt_at=now) for key in message.outlets if key in only
    )
    return version
