"""Warnings given before an incident's deadline."""

from django.db import models
from django.db.models import Q

from incidents.domain.escalation import MISSED_PERCENT, OVERDUE_HOURS
from incidents.domain.tiers import WARNINGS
from incidents.models.incidents import Incident


class DeadlineWarning(models.Model):
    """A warning that was given, once for each incident and share of its time, then by the hours past it. Untracked."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="deadline_warnings")
    percent = models.PositiveSmallIntegerField()
    overdue_hours = models.PositiveSmallIntegerField(default=0, db_default=0)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="incidents_warned_once", fields=["incident", "percent", "overdue_hours"]),
            models.CheckConstraint(name="incidents_warning_known", condition=Q(percent__in=WARNINGS)),
            models.CheckConstraint(
                name="incidents_overdue_known",
                condition=Q(overdue_hours=0) | Q(percent=MISSED_PERCENT, overdue_hours__in=OVERDUE_HOURS),
            ),
        ]
