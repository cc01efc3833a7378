"""Pictures that notes show."""

from django.db import models
from django.db.models import Q


class Picture(models.Model):
    """A small WebP picture under the SHA-256 of its bytes: it never changes. Untracked: who chose it is the flag's."""

    key = models.CharField(primary_key=True, max_length=64)
    content = models.BinaryField()
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [models.CheckConstraint(name="flags_picture_key", condition=Q(key__regex=r"^[0-9a-f]{64}$"))]

    def __str__(self) -> str:
        return self.key[:12]
