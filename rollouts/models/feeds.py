"""Addresses at which a calendar program fetches what goes out."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.history import track
from core.models import HASH
from flags.models import Environment


class CalendarFeed(models.Model):
    """A person's own address of the calendar, of one environment or of all; only its secret's SHA-256 is stored."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="calendar_feeds")
    name = models.CharField(max_length=100)
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    secret_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    history = track(excluded_fields=["secret_hash"])

    class Meta:
        ordering = ["person", "name", "pk"]
        constraints = [
            models.CheckConstraint(name="rollouts_feed_named", condition=~Q(name="")),
            models.CheckConstraint(name="rollouts_feed_hashed", condition=Q(secret_hash__regex=HASH)),
            models.CheckConstraint(
                name="rollouts_feed_revoked_later",
                condition=Q(revoked_at__isnull=True) | Q(revoked_at__gte=models.F("created_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.person})"


class CalendarFeedUse(models.Model):
    """When a feed was last fetched. Untracked."""

    feed = models.OneToOneField(CalendarFeed, on_delete=models.CASCADE, primary_key=True, related_name="use")
    last_used_at = models.DateTimeField()
