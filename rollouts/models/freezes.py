"""Freeze windows."""

from datetime import date, timedelta

from django.db import models
from django.db.models import Q

from core.history import track
from flags.models import Environment
from rollouts.domain.freezing import Freeze


class FreezeWindow(models.Model):
    """Days [starts_on, ends_on) on which no step of a real rollout is done in an environment.

    One row for each environment, though people set one for several at once: each is cut short or
    removed on its own, and history tells of each what became of it.
    """

    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="freezes")
    starts_on = models.DateField()
    ends_on = models.DateField()
    label = models.CharField(max_length=100)
    reason = models.TextField()
    set_at = models.DateTimeField()
    set_by = models.CharField(max_length=200)

    history = track()

    class Meta:
        ordering = ["starts_on", "environment"]
        constraints = [
            models.CheckConstraint(name="rollouts_freeze_not_empty", condition=Q(starts_on__lt=models.F("ends_on"))),
            models.CheckConstraint(name="rollouts_freeze_labelled", condition=~Q(label="")),
            models.CheckConstraint(name="rollouts_freeze_says_why", condition=~Q(reason="")),
            models.CheckConstraint(name="rollouts_freeze_says_who", condition=~Q(set_by="")),
            models.UniqueConstraint(
                name="rollouts_freeze_once", fields=["environment", "starts_on", "ends_on", "label"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.environment}: {self.label} {self.starts_on}"

    @property
    def last_on(self) -> date:
        return self.ends_on - timedelta(days=1)

    @property
    def as_value(self) -> Freeze:
        return Freeze(self.starts_on, self.ends_on, self.label)
