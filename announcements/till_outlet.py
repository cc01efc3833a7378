"""The outlet to the tills: an announcement as a notice that cashiers read while they sell."""

from datetime import datetime, timedelta

from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from announcements.domain.kinds import Kind
from announcements.domain.lifecycle import Act
from announcements.domain.message import Message, Reach
from announcements.models import Announcement, AnnouncementVersion
from announcements.outlets import Outlet, Published, find_actor
from core.actors import Actor
from core.errors import Refusal
from core.reasons import write_reason
from flags.models import Site
from notices.domain.levels import Level, Standing
from notices.models import Notice
from notices.transitions import NoticeWish, check_wish, correct_notice, show_notice, take_notice_away

#: Something does not work, or is being taken back: it interrupts, and stays until it is over.
URGENT = frozenset({Kind.ROLLBACK_BEGUN, Kind.INCIDENT_INVESTIGATING, Kind.INCIDENT_IDENTIFIED})
#: It is over: a day says so to everybody.
OVER = frozenset({Kind.ROLLBACK_DONE, Kind.INCIDENT_RESOLVED, Kind.MAINTENANCE_ENDED, Kind.ALL_CLEAR})
OVER_SHOWN = timedelta(days=1)
KEY = "till"


def _source_of(announcement_id: int) -> str:
    return f"announcement:{announcement_id}"


def _wish(message: Message, *, now: datetime) -> NoticeWish:
    # What says that something is over has no window: it may have that of what it speaks of.
    ends_at = now + OVER_SHOWN if message.kind in OVER else message.ends_at
    promised = message.next_update_at
    sites = () if message.reach.is_everywhere else message.reach.site_keys
    return NoticeWish(
        level=Level.URGENT if message.kind in URGENT else Level.INFO if message.kind in OVER else Level.WARNING,
        hotline=message.hotline,
        next_update_at=promised if promised is None or ends_at is None or promised <= ends_at else None,
        ends_at=ends_at,
        site_ids=tuple(Site.objects.filter(key__in=sites).order_by("pk").values_list("pk", flat=True)),
        title_fr=_title(message, "fr"),
        text_fr=message.join("fr"),
        title_en=_title(message, "en"),
        text_en=message.join("en"),
    )


def _title(message: Message, language: str) -> str:
    text = message.texts[language]
    return text.title if text.is_whole else ""


def _check(message: Message, *, now: datetime) -> None:
    if not message.reach.is_at_sites:
        raise Refusal("announcement_at_no_site")
    check_wish(message.environment_id, _wish(message, now=now), now=now)


def _publish(message: Message, *, now: datetime) -> Published:
    """Show it, put the corrected one in its place, or take it away; what was said before of the same thing goes."""
    actor, reason = find_actor(message), write_reason("announced", number=message.announcement_id)
    standing = _find_standing(message, now=now)
    if message.act is Act.WITHDRAWAL:
        for notice in standing:
            take_notice_away(notice_id=notice.pk, actor=actor, reason=reason, now=now)
        return Published()
    wish = _wish(message, now=now)
    if not standing and message.act is Act.CORRECTION:
        # It is over, or something newer stands in its place: nobody reads it there any more.
        return Published()
    if standing:
        shown = correct_notice(notice_id=standing[0].pk, wish=wish, actor=actor, reason=reason, now=now)
    else:
        _take_outdated_away(message, actor=actor, reason=reason, now=now)
        shown = show_notice(
            environment_id=message.environment_id,
            wish=wish,
            actor=actor,
            reason=reason,
            now=now,
            source=_source_of(message.announcement_id),
        )
    return Published(message.reach.tills, f"/notices/{shown.pk}/")


def _find_standing(message: Message, *, now: datetime) -> list[Notice]:
    rows = Notice.objects.filter(environment_id=message.environment_id, source=_source_of(message.announcement_id))
    return [one for one in rows.order_by("-pk") if one.find_standing(now) in {Standing.CURRENT, Standing.SCHEDULED}]


def _take_outdated_away(message: Message, *, actor: Actor, reason: str, now: datetime) -> None:
    """Take away what announcements before it still say: of the same incident or rollout, or that it says more about."""
    about = Q(pk__in=_list_followed(message.announcement_id))
    if message.incident_id or message.rollout_id:
        same = {"incident_id": message.incident_id} if message.incident_id else {"rollout_id": message.rollout_id}
        about |= Q(**same)
    said = AnnouncementVersion.objects.filter(number=1)
    own = said.filter(announcement=message.announcement_id).values("at")
    earlier = Announcement.objects.filter(about, environment_id=message.environment_id)
    keys = earlier.filter(pk__in=said.filter(at__lt=own).values("announcement")).values_list("pk", flat=True)
    for notice in Notice.objects.filter(source__in=[_source_of(pk) for pk in keys], taken_away_at=None):
        if notice.find_standing(now) in {Standing.CURRENT, Standing.SCHEDULED}:
            take_notice_away(notice_id=notice.pk, actor=actor, reason=reason, now=now)


def _list_followed(announcement_id: int) -> list[int]:
    """Return what an announcement says more about, and what that does, however far back: a query each."""
    found: list[int] = []
    number: int | None = announcement_id
    while number is not None and number not in found:
        found.append(number)
        number = Announcement.objects.filter(pk=number).values_list("follows", flat=True).first()
    return found[1:]


def _preview(message: Message, language: str) -> SafeString:
    said = message.say(language)
    with translation.override(language):
        context = {"said": said, "hotline": message.hotline, "next_at": message.next_update_at}
        return render_to_string("announcements/_preview_till.html", context)


def _count(reach: Reach) -> int:
    return reach.tills


TILL = Outlet(
    key=KEY,
    label=_("Message in the till"),
    hint=_("Cashiers of these sites read it while they sell, until it is over or taken back."),
    preview=_preview,
    publish=_publish,
    count=_count,
    check=_check,
)
