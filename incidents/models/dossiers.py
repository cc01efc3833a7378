"""Which dossiers were made."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from rollouts.models import Release


class Dossier(models.Model):
    """That somebody took a dossier of a release out of the portal: the hash of its facts. Only grows."""

    append_only = True

    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="dossiers", db_index=False)
    sha256 = models.CharField(max_length=64, db_index=True)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(name="incidents_dossier_hash_whole", condition=Q(sha256__regex="^[0-9a-f]{64}$")),
        ]
        indexes = [models.Index(name="incidents_dossier_newest", fields=["release", "-id"])]

    def __str__(self) -> str:
        return f"{self.release_id}: {self.sha256[:12]}"
