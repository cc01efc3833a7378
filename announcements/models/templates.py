"""The words that announcements begin with, and the number that they name."""

from django.db import models
from django.db.models import Q

from announcements.domain.kinds import Kind
from announcements.models.announcements import LONGEST_TITLE
from core.history import track
from flags.models import Environment


class AnnouncementTemplate(models.Model):
    """The words for one kind of announcement, in both languages, with their places (`{release}`)."""

    kind = models.CharField(max_length=30, unique=True, choices=[(str(one), str(one)) for one in Kind])
    title_fr = models.CharField(max_length=LONGEST_TITLE)
    body_fr = models.TextField()
    title_en = models.CharField(max_length=LONGEST_TITLE)
    body_en = models.TextField()

    history = track()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="announcements_template_kind_known", condition=Q(kind__in=[str(k) for k in Kind])
            ),
            models.CheckConstraint(
                name="announcements_template_in_both",
                condition=~Q(title_fr="") & ~Q(body_fr="") & ~Q(title_en="") & ~Q(body_en=""),
            ),
        ]

    def __str__(self) -> str:
        return self.kind


class Hotline(models.Model):
    """The number that shops of an environment call, and when somebody answers."""

    environment = models.OneToOneField(Environment, on_delete=models.PROTECT, related_name="hotline")
    phone = models.CharField(max_length=40, blank=True)
    hours_fr = models.CharField(max_length=100, blank=True)
    hours_en = models.CharField(max_length=100, blank=True)

    history = track()

    class Meta:
        ordering = ["environment"]

    def __str__(self) -> str:
        return self.phone
