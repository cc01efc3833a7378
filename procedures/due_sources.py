"""What of procedures is due: the questions that a rollback still asks."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from notifications import due
from notifications.domain.audience import CREW
from notifications.domain.due import DueItem
from procedures.domain.checklists import ItemState
from procedures.labels import KINDS
from procedures.models import Procedure


def register_sources() -> None:
    """Give what is due of procedures to whoever lists it."""
    due.register("procedures", _("Procedure"), list_open_items)


def list_open_items(*, now: datetime, until: datetime) -> Iterator[DueItem]:
    """Yield the procedures of real rollbacks with answers open, due with it, then with its watch. One query."""
    rows = Procedure.objects.filter(ended_at=None).exclude(rollback__rollout__is_rehearsal=True)
    rows = rows.annotate(open_count=Count("items", filter=Q(items__state=ItemState.OPEN))).filter(open_count__gt=0)
    for row in rows.select_related("environment").order_by("pk"):
        yield DueItem(
            words=_("Rollback in %(environment)s (%(kind)s), answers open: %(count)s"),
            data={"environment": row.environment.key, "kind": KINDS[row.kind], "count": row.open_count},
            due=row.deadline_at if row.done_at is None else row.watched_until,
            url=reverse("procedures:detail", args=[row.pk]),
            audience=CREW,
        )
