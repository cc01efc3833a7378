"""Which image was put on a target, when, with what to go back to."""

from django.db import models
from django.db.models import Q

from core.history import track
from recovery.models.operations import Operation
from recovery.models.restore_points import RestorePoint
from recovery.models.targets import Target


class Deployment(models.Model):
    """A release on a target. `previous_image`: what ran before, found on the engine itself and kept there.

    `reversals`: the way back behind the migrations that it ran (recovery.domain.reversals.Reversal), the last first.
    """

    target = models.ForeignKey(Target, on_delete=models.PROTECT, related_name="deployments")
    operation = models.OneToOneField(Operation, on_delete=models.PROTECT, related_name="deployment")
    version = models.CharField(max_length=50)
    image = models.CharField(max_length=300)
    previous_version = models.CharField(max_length=50, blank=True)
    previous_image = models.CharField(max_length=300, blank=True)
    restore_point = models.ForeignKey(
        RestorePoint, on_delete=models.PROTECT, related_name="deployments", null=True, blank=True
    )
    reversals = models.JSONField(default=list, blank=True)
    asked_at = models.DateTimeField()
    live_at = models.DateTimeField(null=True)
    rolled_back_at = models.DateTimeField(null=True)

    history = track()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(name="recovery_deployment_named", condition=~Q(version="") & ~Q(image="")),
            models.CheckConstraint(
                name="recovery_deployment_had_been_live",
                condition=Q(rolled_back_at__isnull=True) | Q(live_at__isnull=False) | ~Q(previous_image=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.target_id}: {self.version}"
