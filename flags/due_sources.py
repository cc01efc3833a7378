"""Flags that are to leave the code: now, or by the day that their owners said."""

from collections.abc import Iterator
from datetime import datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from flags.models import Flag
from flags.removal_queries import list_due_flags
from notifications import due
from notifications.domain.audience import DRIVERS, Audience
from notifications.domain.due import DueItem
from notifications.queries import map_people_called


def register_sources() -> None:
    """Give what is due of flags to whoever lists it."""
    due.register("flags", _("Flag"), list_removals)


def list_removals(*, now: datetime, until: datetime) -> Iterator[DueItem]:
    """Yield the flags to be removed: for the people whom their owner names, else who drives releases. Eight queries."""
    rows = list_due_flags(now=now)
    known = {flag.pk for flag, _due_on in rows}
    coming = Flag.objects.filter(archived_at=None, is_permanent=False, expires_on__lte=timezone.localdate(until))
    rows += [(flag, flag.expires_on) for flag in coming.exclude(pk__in=known) if flag.expires_on is not None]
    owners = map_people_called({flag.owner for flag, _due_on in rows})
    for flag, due_on in rows:
        named = owners[flag.owner]
        yield DueItem(
            words=_("%(name)s (%(flag)s) is to leave the code"),
            data={"name": flag.name, "flag": flag.key},
            due=due_on,
            url=reverse("flags:detail", args=[flag.key]),
            audience=Audience(user_ids=named) if named else DRIVERS,
        )
