"""How messages go to contacts by the thousand: one lane, its pace, and what a broadcast has come to."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.history import track


class BroadcastStatus(models.TextChoices):
    """`ENDED`: a person broke it off; what was not sent stays so."""

    SENDING = "sending", "sending"
    PAUSED = "paused", "paused"
    ENDED = "ended", "ended"


class Broadcast(models.Model):
    """One event on its way to the users of the tills; how far it is stands in its deliveries."""

    event = models.OneToOneField("notifications.Event", on_delete=models.PROTECT, related_name="broadcast")
    status = models.CharField(max_length=10, choices=BroadcastStatus.choices, default=BroadcastStatus.SENDING)
    recipients = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    history = track()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="notifications_broadcast_status", condition=Q(status__in=BroadcastStatus.values)
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"


class BulkLane(models.Model):
    """The one lane to contacts. Untracked: a heartbeat. `free_at`: nothing is sent before."""

    free_at = models.DateTimeField()
    failures = models.PositiveIntegerField(default=0)
    last_error = models.TextField(blank=True)

    class Meta:
        constraints = [models.CheckConstraint(name="notifications_one_bulk_lane", condition=Q(pk=1))]

    def __str__(self) -> str:
        return f"{self.pk}"
