"""The outbox: events to be told, and a delivery for each recipient and channel."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.models import User
from notifications.bulk_models import Broadcast, BulkLane
from notifications.contact_models import Contact
from notifications.domain.urgency import Priority
from notifications.endpoint_models import Channel, ChannelTrial, Endpoint, EndpointLine, EndpointStatus
from notifications.personal_models import DigestState, HeldMessage, PersonalSettings

__all__ = [
    "Broadcast",
    "BulkLane",
    "Channel",
    "ChannelTrial",
    "Contact",
    "Delivery",
    "DeliveryStatus",
    "DigestState",
    "Endpoint",
    "EndpointLine",
    "EndpointStatus",
    "Event",
    "HeldMessage",
    "PersonalSettings",
]

#: Channels of people; the others are those of endpoints.
PERSONAL = ("inbox", "email")
OUTSIDE = ("slack", "mattermost", "teams", "webhook", "apprise")


class DeliveryStatus(models.TextChoices):
    PENDING = "pending", "pending"
    SENDING = "sending", "sending"
    SENT = "sent", "sent"
    DEAD = "dead", "dead"
    REPLACED = "replaced", "replaced"


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
        indexes = [models.Index(name="notifications_event_about", fields=["url", "-id"])]

    def __str__(self) -> str:
        return self.dedupe_key


class Delivery(models.Model):
    """One event for one person through one channel, an endpoint or a contact. Untracked: its own row is its history.

    `replaced_by`: what was sent in its place, being newer about the same; `sent_with`: what carried it in a flood.
    """

    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="deliveries")
    channel = models.CharField(max_length=10, choices=Channel.choices)
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="deliveries"
    )
    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.PROTECT, null=True, blank=True, related_name="deliveries", db_index=False
    )
    contact = models.ForeignKey(
        Contact, on_delete=models.PROTECT, null=True, blank=True, related_name="deliveries", db_index=False
    )
    priority = models.PositiveSmallIntegerField(default=Priority.USUAL, db_default=Priority.USUAL)
    replaced_by = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    sent_with = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
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
            models.UniqueConstraint(name="notifications_sent_to_endpoint_once", fields=["endpoint", "event"]),
            models.UniqueConstraint(name="notifications_sent_to_contact_once", fields=["contact", "event"]),
            models.CheckConstraint(
                name="notifications_for_one_reader",
                condition=Q(channel__in=PERSONAL, recipient__isnull=False, endpoint__isnull=True, contact__isnull=True)
                | Q(channel__in=OUTSIDE, recipient__isnull=True, endpoint__isnull=False, contact__isnull=True)
                | Q(
                    channel__in=["email", "webhook"],
                    recipient__isnull=True,
                    endpoint__isnull=True,
                    contact__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="notifications_replaced_by_what",
                condition=Q(status="replaced", replaced_by__isnull=False)
                | (~Q(status="replaced") & Q(replaced_by__isnull=True)),
            ),
            models.CheckConstraint(
                name="notifications_sent_with_what", condition=Q(status="sent") | Q(sent_with__isnull=True)
            ),
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
                name="notifications_waiting_outside",
                fields=["endpoint", "id"],
                condition=Q(status__in=["pending", "sending"], endpoint__isnull=False),
            ),
            models.Index(
                name="notifications_waiting_in_bulk",
                fields=["priority", "id"],
                condition=Q(status__in=["pending", "sending"], contact__isnull=False),
            ),
            models.Index(
                name="notifications_due", fields=["next_attempt_at"], condition=Q(status__in=["pending", "sending"])
            ),
            models.Index(name="notifications_given_up", fields=["event"], condition=Q(status="dead")),
            models.Index(
                name="notifications_mailed_lately",
                fields=["recipient", "-sent_at"],
                condition=Q(channel="email", status="sent", recipient__isnull=False, sent_with__isnull=True),
            ),
            models.Index(name="notifications_inbox", fields=["recipient", "channel", "read_at"]),
        ]

    @property
    def reader(self) -> User:
        """The person it is for; one for an endpoint or a contact has none."""
        if self.recipient is None:
            raise TypeError(f"delivery {self.pk} is for no person")
        return self.recipient

    def __str__(self) -> str:
        return f"{self.event_id} → {self.recipient_id or self.endpoint_id or self.contact_id} ({self.channel})"
