"""People and programs without an account who are written to: readers of the status page, users of the tills."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from notifications.endpoint_models import LANGUAGES

#: What a program's address is sealed for (core.sealing).
SEALED_CONTACT = "contact address"


class ContactKind(models.TextChoices):
    EMAIL = "email", "email"
    WEBHOOK = "webhook", "webhook"


class Purpose(models.TextChoices):
    """`STATUS`: asked for by the reader, on the status page; `USERS`: users of the tills, entered by the team."""

    STATUS = "status", "status"
    USERS = "users", "users"


class ContactStatus(models.TextChoices):
    """`PENDING`: asked for, not confirmed; `ENDED`: by the reader; `BOUNCED`: nothing arrives there."""

    PENDING = "pending", "pending"
    ACTIVE = "active", "active"
    ENDED = "ended", "ended"
    BOUNCED = "bounced", "bounced"


class Contact(models.Model):
    """An address that is written to until its owner ends it. Personal data: in no history.

    When it is over, the address goes; its digest stays, so that no list brings it back against its owner's will.
    """

    kind = models.CharField(max_length=10, choices=ContactKind.choices)
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    status = models.CharField(max_length=10, choices=ContactStatus.choices)
    email = models.CharField(max_length=254, blank=True)
    sealed_address = models.TextField(blank=True)
    address_hash = models.CharField(max_length=64)
    language = models.CharField(max_length=2, choices=LANGUAGES, default="fr")
    #: Which components of the status page, or which sites; empty: all.
    topics = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    created_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    #: What a mail service said when it sent a mail back.
    bounce = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(name="notifications_contact_once", fields=["purpose", "kind", "address_hash"]),
            models.CheckConstraint(
                name="notifications_contact_known",
                condition=Q(kind__in=ContactKind.values)
                & Q(purpose__in=Purpose.values)
                & Q(status__in=ContactStatus.values),
            ),
            models.CheckConstraint(
                name="notifications_contact_has_an_address_while_it_is_written_to",
                condition=Q(status__in=["ended", "bounced"], email="", sealed_address="", ended_at__isnull=False)
                | Q(status__in=["pending", "active"], kind="email", sealed_address="", ended_at__isnull=True)
                & ~Q(email="")
                | Q(status__in=["pending", "active"], kind="webhook", email="", ended_at__isnull=True)
                & ~Q(sealed_address=""),
            ),
            models.CheckConstraint(
                name="notifications_contact_confirmed", condition=~Q(status="active") | Q(confirmed_at__isnull=False)
            ),
        ]
        indexes = [
            models.Index(name="notifications_contact_active", fields=["purpose", "id"], condition=Q(status="active")),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.pk}"
