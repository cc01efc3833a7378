"""A database as it was at a moment, kept so that it can be so again."""

from django.db import models
from django.db.models import Q

from core.history import track
from recovery.domain.lifecycle import PointStatus
from recovery.models.operations import Operation
from recovery.models.targets import Target


class RestorePoint(models.Model):
    """A dump of a target's database with the manifest of the same snapshot, and where it is stored.

    `image`, `version`: what ran then. `sha256`, `size_bytes`: of the dump itself, before any encryption.
    """

    target = models.ForeignKey(Target, on_delete=models.PROTECT, related_name="restore_points")
    operation = models.ForeignKey(Operation, on_delete=models.PROTECT, related_name="restore_points")
    status = models.CharField(
        max_length=10, choices=[(str(s), str(s)) for s in PointStatus], default=PointStatus.TAKING
    )
    label = models.CharField(max_length=200, blank=True)
    is_kept = models.BooleanField(default=False)
    taken_at = models.DateTimeField()
    verified_at = models.DateTimeField(null=True)
    expired_at = models.DateTimeField(null=True)
    file = models.CharField(max_length=300, blank=True)
    is_encrypted = models.BooleanField(default=False)
    size_bytes = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    manifest = models.JSONField(default=dict)
    image = models.CharField(max_length=300, blank=True)
    version = models.CharField(max_length=50, blank=True)

    history = track()

    class Meta:
        ordering = ["-taken_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                name="recovery_point_status_known", condition=Q(status__in=[str(s) for s in PointStatus])
            ),
            models.CheckConstraint(
                name="recovery_point_verified_is_whole",
                condition=~Q(status="verified") | (Q(verified_at__isnull=False) & ~Q(file="") & ~Q(sha256="")),
            ),
            models.UniqueConstraint(name="recovery_point_of_operation", fields=["operation"]),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.target_id} {self.taken_at:%Y-%m-%d %H:%M}"
