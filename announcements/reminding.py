"""Reminds whoever promised an update that people wait for it: once for each moment that was promised."""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from announcements.domain.lifecycle import SAID, Status
from announcements.models import Announcement, UpdateReminder
from announcements.transitions.locking import get_locked_announcement
from announcements.transitions.telling import tell_update_due


def list_promised(*, until: datetime) -> QuerySet[Announcement]:
    """Return what was said and promised more by a moment, and nobody has followed up."""
    rows = Announcement.objects.filter(status__in=[Status.PUBLISHED, Status.CORRECTED], next_update_at__lte=until)
    followed = Announcement.objects.filter(follows=OuterRef("pk"), status__in=[str(one) for one in SAID])
    return rows.filter(~Exists(followed))


def list_unreminded(*, now: datetime, limit: int) -> list[int]:
    """Return those of them of which nobody was reminded, the longest due first: one query."""
    reminded = UpdateReminder.objects.filter(announcement=OuterRef("pk"), due_at=OuterRef("next_update_at"))
    rows = list_promised(until=now).filter(~Exists(reminded)).order_by("next_update_at", "pk")
    return list(rows.values_list("pk", flat=True)[:limit])


@transaction.atomic
def remind(announcement_id: int, *, now: datetime) -> bool:
    """Remind of one, on the locked row: an update said just now is seen; False where none is due any more."""
    announcement = get_locked_announcement(announcement_id)
    due_at = announcement.next_update_at
    if due_at is None or not list_promised(until=now).filter(pk=announcement_id).exists():
        return False
    _row, is_new = UpdateReminder.objects.get_or_create(announcement=announcement, due_at=due_at, defaults={"at": now})
    return is_new and tell_update_due(announcement, due_at=due_at, now=now)
