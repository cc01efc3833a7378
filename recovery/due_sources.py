"""What of recovery is due: operations that wait for a person, and the month's drills."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.clock import get_zone
from core.domain.business_time import day_bounds
from notifications import due
from notifications.domain.audience import DRIVERS
from notifications.domain.due import DueItem
from recovery.domain.lifecycle import DrillStatus, Status
from recovery.drill_queries import list_drilled_environments
from recovery.labels import KINDS
from recovery.models import Drill, Operation


def register_sources() -> None:
    """Give what is due of recovery to whoever lists it, the most pressing first."""
    due.register("operations", _("Target"), list_operations)
    due.register("drills", _("Drill"), list_drills)


def list_operations(*, now: datetime, until: datetime) -> Iterator[DueItem]:
    """Yield what is done to a target and stands until a person decides; exercises are the drill's own. One query."""
    rows = Operation.objects.filter(status__in=[str(Status.WAITING), str(Status.FAILED)], is_exercise=False)
    for row in rows.select_related("target__environment").order_by("pk"):
        yield DueItem(
            words=_("%(target)s in %(environment)s waits for your answer: %(kind)s")
            if row.status == Status.WAITING
            else _("%(target)s in %(environment)s stands still: %(kind)s"),
            data={"target": row.target.name, "environment": row.target.environment.key, "kind": KINDS[row.kind]},
            due=row.deadline_at or row.asked_at,
            url=reverse("recovery:operation", args=[row.pk]),
            audience=DRIVERS,
        )


def list_drills(*, now: datetime, until: datetime) -> Iterator[DueItem]:
    """Yield the environments in which no drill has passed this month, from the day on which it begins. Two queries."""
    today = timezone.localdate(now)
    last = monthrange(today.year, today.month)[1]
    due_on = today.replace(day=min(settings.RECOVERY_DRILL_DAY, last))
    first, _end = day_bounds(date(today.year, today.month, 1), zone=get_zone())
    passed = set(
        Drill.objects.filter(status=DrillStatus.PASSED, ended_at__gte=first).values_list("environment", flat=True)
    )
    if due_on > timezone.localdate(until - timedelta(microseconds=1)):
        return
    for environment in list_drilled_environments().order_by("position", "key"):
        if environment.pk not in passed:
            yield DueItem(
                words=_("A drill of %(environment)s is to pass this month"),
                data={"environment": environment.key},
                due=due_on,
                url=reverse("recovery:drills"),
                audience=DRIVERS,
            )
