"""The page of what is due: for oneself, or for everybody."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from core import clock
from core.labels import ROLES
from core.models import User
from core.roles import Capability, can, requires
from notifications.digest_labels import SECTIONS, SIGNS, Row, Section, say_due
from notifications.domain.due import DueItem, Horizon, group_by_horizon
from notifications.due import get_label
from notifications.due_queries import Share, list_everybodys_due, list_own_due
from notifications.personal_queries import find_settings

#: Of more in one section the page says how many.
MOST_ROWS = 100


@requires(Capability.VIEW)
def show(request: HttpRequest) -> HttpResponse:
    """Show what a person has to do by its date; who drives releases or audits may look at everybody's.

    The dashboard asks for how much it is alone.
    """
    now = clock.now()
    reader: User = request.user  # type: ignore[assignment]  # the guard of the view refuses strangers
    zone = find_settings(reader.pk).preferences.times.zone
    if getattr(request, "htmx", False):
        return _count(request, list_own_due(reader, now=now), zone=zone, now=now)
    may_see_all = can(reader, Capability.DRIVE_ROLLOUTS) or can(reader, Capability.READ_ADMIN)
    sees_all = may_see_all and request.GET.get("who") == "all"
    shares = list_everybodys_due(now=now) if sees_all else [Share(None, (), list_own_due(reader, now=now))]
    drawn = [
        (_say_whose(share) if sees_all else "", list(_draw(share.items, zone=zone, now=now)))
        for share in shares
        if share.items
    ]
    context = {
        "may_see_all": may_see_all,
        "sees_all": sees_all,
        "shares": drawn,
        "zone": zone,
        "is_elsewhere": zone != clock.get_zone(),
    }
    return render(request, "notifications/due.html", context)


def _count(request: HttpRequest, items: Sequence[DueItem], *, zone: ZoneInfo, now: datetime) -> HttpResponse:
    counts = {horizon: len(rows) for horizon, rows in group_by_horizon(items, now=now, zone=zone)}
    context = {"overdue": counts.get(Horizon.OVERDUE, 0), "today": counts.get(Horizon.TODAY, 0)}
    return render(request, "notifications/_due_link.html", context)


def _say_whose(share: Share) -> str:
    if share.person is not None:
        return str(share.person)
    return _("For whoever is: %(roles)s") % {"roles": ", ".join(str(ROLES[role]) for role in share.roles)}


def _draw(items: Iterable[DueItem], *, zone: ZoneInfo, now: datetime) -> Iterable[Section]:
    for horizon, found in group_by_horizon(items, now=now, zone=zone):
        rows = [
            Row(item.title, str(get_label(item.source)), say_due(item.due, zone=zone), item.url)
            for item in found[:MOST_ROWS]
        ]
        yield Section(
            code=str(horizon),
            title=str(SECTIONS[horizon]),
            sign=SIGNS[horizon],
            rows=rows,
            more=len(found) - len(rows),
        )
