"""Releases and the flags they bring."""

from django.db import models

from core.history import track
from flags.models import Flag


class Release(models.Model):
    version = models.CharField(max_length=50, unique=True)
    name = models.CharField(max_length=200, blank=True)
    notes = models.TextField(blank=True)

    history = track()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.version


class ReleaseFlag(models.Model):
    """A flag that a release brings; the position is the order in which flags advance."""

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="release_flags")
    flag = models.ForeignKey(Flag, on_delete=models.PROTECT, related_name="release_flags")
    position = models.PositiveSmallIntegerField()

    history = track()

    class Meta:
        ordering = ["release", "position"]
        constraints = [models.UniqueConstraint(name="rollouts_release_flag_once", fields=["release", "flag"])]

    def __str__(self) -> str:
        return f"{self.release_id}: {self.flag_id}"
