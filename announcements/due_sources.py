"""Updates that were promised: whoever said so is to say how it stands, by then."""

from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from announcements.reminding import list_promised
from announcements.transitions.telling import writers_of
from notifications import due
from notifications.domain.audience import DRIVERS
from notifications.domain.due import DueItem


def register_sources() -> None:
    """Give what is due of announcements to whoever lists it."""
    due.register("announcements", _("Promised update"), list_updates)


def list_updates(*, now: datetime, until: datetime) -> Iterator[DueItem]:
    """Yield the updates that people wait for, now or by a moment: for whoever promised them. One query."""
    for announcement in list_promised(until=until):
        if announcement.next_update_at is not None:
            yield DueItem(
                words=_("How it stands is to be said: %(title)s"),
                data={"title": str(announcement)},
                due=announcement.next_update_at,
                url=f"/announcements/{announcement.pk}/",
                audience=writers_of(announcement) or DRIVERS,
            )
