"""What whoever wrote an announcement is told of it: that an update is due, that an outlet did not take it."""

from datetime import datetime

from announcements.audience_queries import announcement_url
from announcements.messages import say_titles
from announcements.models import Announcement, OutletRun
from announcements.outlets import find_outlet
from notifications.domain.audience import DRIVERS, Audience
from notifications.queries import list_people
from notifications.transitions import publish


def writers_of(announcement: Announcement) -> Audience | None:
    """Return whoever wrote and confirmed it; None where a program did."""
    ids = frozenset(number for number in (announcement.author_id, announcement.confirmed_by_id) if number is not None)
    return Audience(user_ids=ids) if ids else None


def audience_of(announcement: Announcement) -> Audience:
    """Return whoever wrote and confirmed it, else those who drive: somebody has to hear of it."""
    mine = writers_of(announcement)
    return mine if mine is not None and list_people(mine) else DRIVERS


def tell_update_due(announcement: Announcement, *, due_at: datetime, now: datetime) -> bool:
    """Tell that people wait for an update since a moment; False where that was told."""
    event = publish(
        kind="announcement_update_due",
        data=_say(announcement) | {"due": due_at.isoformat(timespec="minutes")},
        audience=audience_of(announcement),
        dedupe_key=f"announcement-update:{announcement.pk}:{due_at.isoformat()}",
        now=now,
        url=announcement_url(announcement.pk),
    )
    return event is not None


def tell_failed(announcement: Announcement, *, run: OutletRun, now: datetime) -> None:
    """Tell that an outlet did not take a version; once for each time it gave up."""
    outlet = find_outlet(run.outlet)
    publish(
        kind="announcement_failed",
        data=_say(announcement) | {"outlet": str(outlet.label) if outlet else run.outlet},
        audience=audience_of(announcement),
        dedupe_key=f"announcement-failed:{run.pk}:{now.isoformat()}",
        now=now,
        url=announcement_url(announcement.pk),
    )


def tell_given_back(announcement: Announcement, *, now: datetime) -> None:
    """Tell that what was due could not be said and is a draft again."""
    publish(
        kind="announcement_given_back",
        data=_say(announcement),
        audience=audience_of(announcement),
        dedupe_key=f"announcement-given-back:{announcement.pk}:{now.isoformat()}",
        now=now,
        url=announcement_url(announcement.pk),
    )


def _say(announcement: Announcement) -> dict[str, object]:
    return {
        "environment": announcement.environment.key,
        "announced_title": say_titles(announcement),
    }
