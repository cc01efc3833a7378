"""Drills: what would be done on the worst day, done on a calm one."""

from django.db import models
from django.db.models import Q

from core.history import track
from flags.models import Environment
from recovery.domain.lifecycle import DrillStatus


class Drill(models.Model):
    """A drill of an environment: its flags off and on, a restore beside each database, an application back and forth.

    `flags`: what each flag did (recovery.domain.drills.FlagResult), None before they were tried; `report`: as it
    stood when the drill ended.
    """

    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="drills")
    status = models.CharField(
        max_length=10, choices=[(str(s), str(s)) for s in DrillStatus], default=DrillStatus.RUNNING
    )
    is_scheduled = models.BooleanField(default=False)
    asked_by = models.CharField(max_length=200)
    asked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    flags = models.JSONField(null=True)
    report = models.JSONField(default=dict)

    history = track()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                name="recovery_one_drill", fields=["environment"], condition=Q(status=DrillStatus.RUNNING)
            ),
            models.CheckConstraint(
                name="recovery_drill_ended",
                condition=Q(status="running", ended_at__isnull=True)
                | Q(status__in=["passed", "failed"], ended_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.environment_id}"
