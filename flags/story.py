"""Tells that a flag is to be removed, and lays that aside once nothing is to be done."""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils import timezone

from flags.models import Flag
from notifications.domain.audience import DRIVERS, Audience
from notifications.queries import find_people_called, list_told
from notifications.transitions import mark_read_about, publish

#: So long nobody hears of the same flag again.
REMINDED_AFTER = timedelta(days=30)


@transaction.atomic
def tell_removable(flag: Flag, *, due_on: date, now: datetime) -> bool:
    """Say that a flag is to be removed since a day; False where that was said within the last days.

    To the people whom its owner names; where it names nobody there is, to those who drive releases.
    """
    start = f"flag-removable:{flag.pk}:"
    told = list_told(dedupe_start=start)
    if told and now - told[-1] < REMINDED_AFTER and due_on <= timezone.localdate(told[-1]):
        return False
    owners = find_people_called(flag.owner)
    event = publish(
        kind="flag_removable",
        data={"flag": flag.key, "name": flag.name, "owner": flag.owner, "due_on": due_on.isoformat()},
        audience=Audience(user_ids=owners) if owners else DRIVERS,
        dedupe_key=f"{start}{len(told)}",
        now=now,
        url=_page(flag),
    )
    return event is not None


def lay_aside(flag: Flag, *, now: datetime) -> None:
    """Mark read, for everybody, that a flag is to be removed: it is archived, or kept."""
    mark_read_about(url=_page(flag), kinds={"flag_removable"}, now=now)


def _page(flag: Flag) -> str:
    return f"/flags/{flag.key}/"
