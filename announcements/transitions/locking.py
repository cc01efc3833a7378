"""What every write of announcements begins with: the lock, what the person saw, readable words."""

from datetime import datetime

from django.db.models import QuerySet

from announcements.models import Announcement
from core.errors import InvalidInput
from core.fields import FIRST_DAY, LAST_DAY, is_countable
from core.versions import check_version


def get_locked_announcement(announcement_id: int, *, seen: int | None = None) -> Announcement:
    """Return the locked announcement; refuse an unknown one, and one changed since `seen` (its last history row).

    Taken before the incident that it speaks of.
    """
    announcement = (
        with_subjects(Announcement.objects.select_for_update(of=("self",))).filter(pk=announcement_id).first()
    )
    if announcement is None:
        raise InvalidInput("announcement_unknown", announcement=announcement_id)
    check_version(announcement, seen)
    return announcement


def with_subjects(rows: QuerySet[Announcement]) -> QuerySet[Announcement]:
    """Return announcements with all that their words are made of."""
    return rows.select_related(
        "environment", "flag", "rollout__release", "rollout__environment", "incident__rollout__release", "author"
    )


def check_moment(moment: datetime | None) -> datetime | None:
    """Return a moment; refuse one so far away that no calendar here counts there."""
    if moment is not None and not is_countable(moment):
        raise InvalidInput("announcement_moment_wrong", first=FIRST_DAY.year, last=LAST_DAY.year)
    return moment


def check_line(text: str, *, limit: int) -> str:
    """Return a text in one line; refuse what is endless or cannot be stored."""
    return " ".join(check_words(text, limit=limit).split())


def check_words(text: str, *, limit: int) -> str:
    """Return a text without space around it, its lines ended alike; refuse what is endless or cannot be stored."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if "\x00" in text:
        raise InvalidInput("input_unreadable")
    if len(text) > limit:
        raise InvalidInput("announcement_too_long", limit=limit)
    return text
