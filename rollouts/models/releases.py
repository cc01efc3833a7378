"""Releases and the flags they bring."""

from django.db import models
from django.db.models import Q

from core.history import track
from flags.models import Flag
from rollouts.domain.images import MOST_CHARACTERS, PATTERN


class Release(models.Model):
    """A version of the application. `image`: what runs it, named by digest, where that is known."""

    version = models.CharField(max_length=50, unique=True)
    name = models.CharField(max_length=200, blank=True)
    notes = models.TextField(blank=True)
    image = models.CharField(max_length=MOST_CHARACTERS, blank=True, default="", db_default="")

    history = track()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="rollouts_release_image_pinned", condition=Q(image="") | Q(image__regex=PATTERN)
            ),
        ]

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
