"""The outbox: events to be told, and a delivery for each recipient and channel."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class Channel(models.TextChoices):
    INBOX = "inbox", "inbox"
    EMAIL = "email", "email"


class DeliveryStatus(models.TextChoices):
    PENDING = "pending", "pending"
    SENDING = "sending", "sending"
    SENT = "sent", "sent"
    DEAD = "dead", "dead"


class Event(models.Model):
    """Something to tell, written in the transaction that made it true. Append-only."""

    append_only = True

    kind = models.CharField(max_length=40)
    data = models.JSONField()
    dedupe_key = models.CharField(max_length=200, unique=True)
    url = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(name="notifications_event_named", condition=~Q(kind="") & ~Q(dedupe_key="")),
        ]

    def __str__(self) -> str:
        return self.dedupe_key


class Delivery(models.Model):
    """One event for one person through one channel. Untracked: its own row is its history."""

    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="deliveries")
    channel = models.CharField(max_length=10, choices=Channel.choices)
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="deliveries")
    status = models.CharField(max_length=10, choices=DeliveryStatus.choices, default=DeliveryStatus.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(name="notifications_told_once", fields=["event", "channel", "recipient"]),
            models.CheckConstraint(
                name="notifications_sent_when",
                condition=Q(status="sent", sent_at__isnull=False) | (~Q(status="sent") & Q(sent_at__isnull=True)),
            ),
            models.CheckConstraint(name="notifications_channel_known", condition=Q(channel__in=Channel.values)),
            models.CheckConstraint(
                name="notifications_leased_while_sending",
                condition=Q(status="sending", leased_until__isnull=False)
                | (~Q(status="sending") & Q(leased_until__isnull=True)),
            ),
            models.CheckConstraint(
                name="notifications_read_in_the_inbox", condition=Q(channel="inbox") | Q(read_at__isnull=True)
            ),
            models.CheckConstraint(name="notifications_status_known", condition=Q(status__in=DeliveryStatus.values)),
        ]
        indexes = [
            models.Index(
                name="notifications_due", fields=["next_attempt_at"], condition=Q(status__in=["pending", "sending"])
            ),
            models.Index(name="notifications_inbox", fields=["recipient", "channel", "read_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} → {self.recipient_id} ({self.channel})"
