"""Notices shown, put right and taken away. None is ever changed: what was shown stays on record as it was shown."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from core.actors import SCHEDULER, Actor
from core.errors import InvalidInput, NotFound, Refusal
from core.fields import FIRST_DAY, LAST_DAY, is_countable
from core.history import recorded
from core.versions import check_version
from flags.models import Environment, Flag, Site
from notices.domain.levels import Level, Standing
from notices.models import Notice, NoticeFlag, NoticeSite
from notices.models.notices import LONGEST_HOTLINE, LONGEST_SOURCE, LONGEST_TEXT, LONGEST_TITLE

#: Whoever wishes the same with the same source at once is served one after the other.
SOURCE_LOCK = 7_140_230

_NUMBER = re.compile(r"[0-9+(). -]*[0-9][0-9+(). -]*")
_WORDS = ("title_fr", "text_fr", "title_en", "text_en")


@dataclass(frozen=True)
class NoticeWish:
    """What a notice says, and where and from when to when: without `starts_at` from now, without `ends_at` until taken
    away. Without sites it is for all tills of the environment, with flags for those that have, or have just lost, one.
    """

    level: str
    title_fr: str = ""
    text_fr: str = ""
    title_en: str = ""
    text_en: str = ""
    hotline: str = ""
    next_update_at: datetime | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    site_ids: Collection[int] = ()
    flag_ids: Collection[int] = ()


@transaction.atomic
def show_notice(
    *, environment_id: int, wish: NoticeWish, actor: Actor, reason: str, now: datetime, source: str = ""
) -> Notice:
    """Show a notice in the tills of an environment, which have it within seconds.

    `source` names what it was made from, such as `announcement:12`: asked again while it stands, the same wish is
    answered with the notice that stands, and one that is over is followed by the new one. Raises InvalidInput for a
    wish that can never be, Refusal `notice_source_shown` where the source stands with other words.
    """
    if not Environment.objects.filter(pk=environment_id).exists():
        raise InvalidInput("environment_unknown", environment=environment_id)
    if len(source) > LONGEST_SOURCE or "\x00" in source:
        raise InvalidInput("notice_source_too_long", limit=LONGEST_SOURCE)
    notice = _draw(environment_id, wish, source=source, actor=actor, now=now)
    before = _find_of_source(environment_id, source) if source else None
    if before is not None and before.find_standing(now) is not Standing.PAST:
        return _check_same(before, notice, wish)
    with recorded(actor=actor, reason=reason, now=now):
        _save(notice, wish, instead_of=before)
    return notice


def check_wish(environment_id: int, wish: NoticeWish, *, now: datetime) -> None:
    """Refuse a wish that can never be, as `show_notice` would, and show nothing."""
    _draw(environment_id, wish, source="", actor=SCHEDULER, now=now)


@transaction.atomic
def correct_notice(
    *, notice_id: int, wish: NoticeWish, actor: Actor, reason: str, now: datetime, seen: int | None = None
) -> Notice:
    """Put another notice in the place of one that stands or is to come; return the other.

    It begins now where the first one has begun, and is new to everybody who put the first one away. Refuses what is no
    longer shown (`notice_is_over`), and what changed since `seen`.
    """
    old = get_locked_notice(notice_id, seen=seen)
    _check_standing(old, now=now)
    new = _draw(old.environment_id, wish, source=old.source, actor=actor, now=now)
    with recorded(actor=actor, reason=reason, now=now):
        _save(new, wish, instead_of=old)
    return new


@transaction.atomic
def take_notice_away(*, notice_id: int, actor: Actor, reason: str, now: datetime, seen: int | None = None) -> Notice:
    """Let the tills show a notice no more, or never; refuses what is no longer shown."""
    notice = get_locked_notice(notice_id, seen=seen)
    _check_standing(notice, now=now)
    with recorded(actor=actor, reason=reason, now=now):
        notice.taken_away_at = now
        notice.save()
    return notice


def get_locked_notice(notice_id: int, *, seen: int | None = None) -> Notice:
    """Return the locked notice; refuse an unknown one, and one that has changed since it was seen."""
    notice = Notice.objects.select_for_update(of=("self",)).filter(pk=notice_id).first()
    if notice is None:
        raise NotFound("notice_unknown", notice=notice_id)
    check_version(notice, seen)
    return notice


def _check_standing(notice: Notice, *, now: datetime) -> None:
    if notice.find_standing(now) not in {Standing.CURRENT, Standing.SCHEDULED}:
        raise Refusal("notice_is_over")


def _draw(environment_id: int, wish: NoticeWish, *, source: str, actor: Actor, now: datetime) -> Notice:
    """Return a notice as it would be saved; refuse a wish that can never be."""
    words = {name: getattr(wish, name).strip() for name in _WORDS}
    hotline = wish.hotline.strip()
    _check_words(words, level=wish.level)
    if hotline and (len(hotline) > LONGEST_HOTLINE or not _NUMBER.fullmatch(hotline)):
        raise InvalidInput("notice_hotline_wrong", limit=LONGEST_HOTLINE)
    for moment in (wish.starts_at, wish.ends_at, wish.next_update_at):
        if moment is not None and not is_countable(moment):
            raise InvalidInput("notice_moment_wrong", first=FIRST_DAY.year, last=LAST_DAY.year)
    starts_at = max(wish.starts_at or now, now)
    if wish.ends_at is not None and wish.ends_at <= starts_at:
        raise InvalidInput("notice_ends_early")
    promised = wish.next_update_at
    if promised is not None and (promised <= starts_at or (wish.ends_at is not None and promised > wish.ends_at)):
        raise InvalidInput("notice_promise_wrong")
    _check_audience(wish)
    return Notice(
        environment_id=environment_id,
        level=wish.level,
        hotline=hotline,
        next_update_at=promised,
        starts_at=starts_at,
        ends_at=wish.ends_at,
        source=source,
        written_at=now,
        written_by_id=actor.user_id,
        **words,
    )


def _check_words(words: dict[str, str], *, level: str) -> None:
    if level not in set(Level):
        raise InvalidInput("notice_level_unknown")
    if any("\x00" in text for text in words.values()):
        raise InvalidInput("notice_unreadable")
    if not any(words.values()):
        raise InvalidInput("notice_unsaid")
    for language in ("fr", "en"):
        if bool(words[f"title_{language}"]) != bool(words[f"text_{language}"]):
            raise InvalidInput("notice_half_said")
        if len(words[f"title_{language}"]) > LONGEST_TITLE:
            raise InvalidInput("notice_title_too_long", limit=LONGEST_TITLE)
        if len(words[f"text_{language}"]) > LONGEST_TEXT:
            raise InvalidInput("notice_text_too_long", limit=LONGEST_TEXT)


def _check_audience(wish: NoticeWish) -> None:
    if Site.objects.filter(pk__in=wish.site_ids).count() != len(wish.site_ids):
        raise InvalidInput("notice_sites_wrong")
    if Flag.objects.filter(pk__in=wish.flag_ids).count() != len(wish.flag_ids):
        raise InvalidInput("notice_flags_wrong")


def _find_of_source(environment_id: int, source: str) -> Notice | None:
    """Return what stands of a source; whoever asks for the same source waits until the caller is done."""
    with transaction.get_connection().cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [SOURCE_LOCK, f"{environment_id}:{source}"])
    rows = Notice.objects.filter(environment=environment_id, source=source, superseded_by=None, taken_away_at=None)
    return rows.first()


def _check_same(standing: Notice, wished: Notice, wish: NoticeWish) -> Notice:
    """Return what stands where it says what is wished; its moment of beginning may have passed meanwhile."""
    names = ("level", "hotline", "next_update_at", "ends_at", *_WORDS)
    is_same = all(getattr(standing, name) == getattr(wished, name) for name in names)
    sites = set(standing.notice_sites.values_list("site", flat=True))
    flags = set(standing.notice_flags.values_list("flag", flat=True))
    if not is_same or sites != set(wish.site_ids) or flags != set(wish.flag_ids):
        raise Refusal("notice_source_shown")
    return standing


def _save(notice: Notice, wish: NoticeWish, *, instead_of: Notice | None) -> None:
    if instead_of is not None:
        # One of a source stands at a time: the first one leaves before the other comes, by its number to be.
        with transaction.get_connection().cursor() as cursor:
            cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", [Notice._meta.db_table])
            notice.pk = cursor.fetchone()[0]
        instead_of.superseded_by_id = notice.pk
        instead_of.save()
    notice.save(force_insert=True)
    for site_id in sorted(wish.site_ids):
        NoticeSite(notice=notice, site_id=site_id).save()
    for flag_id in sorted(wish.flag_ids):
        NoticeFlag(notice=notice, flag_id=flag_id).save()
