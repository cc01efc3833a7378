"""Where messages go outside of the portal: a team's channel of a chat, somebody's program, a telephone."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.history import track
from notifications.domain.wishes import TIERS, Drills

#: What an endpoint's address and its signing secrets are sealed for (core.sealing).
SEALED_ADDRESS = "endpoint address"
SEALED_SECRET = "endpoint secret"  # noqa: S105  # the name of a purpose
LANGUAGES = [("fr", _("French")), ("en", _("English"))]


class Channel(models.TextChoices):
    """By what a message goes: the first two are people's, the others lead to endpoints."""

    INBOX = "inbox", _("Inbox")
    EMAIL = "email", _("E-mail")
    SLACK = "slack", "Slack"
    MATTERMOST = "mattermost", "Mattermost"
    TEAMS = "teams", "Microsoft Teams"
    WEBHOOK = "webhook", _("Signed webhook")
    APPRISE = "apprise", _("SMS and others (Apprise)")


class EndpointStatus(models.TextChoices):
    """`BROKEN`: the portal gave it up, and says why; a person switches it on again."""

    ACTIVE = "active", _("in use")
    PAUSED = "paused", _("switched off")
    BROKEN = "broken", _("given up")


class Endpoint(models.Model):
    """A channel of a team, and what it wants to hear. Its address and secrets are sealed, and stay out of history.

    An empty list wants everything. `hours_from` to `hours_until` on `weekdays` (Monday is 0), in the portal's time
    zone; what is urgent does not wait for them where `is_urgent_anytime`.
    """

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=10, choices=Channel.choices)
    language = models.CharField(max_length=2, choices=LANGUAGES, default="fr")
    status = models.CharField(max_length=10, choices=EndpointStatus.choices, default=EndpointStatus.ACTIVE)
    sealed_address = models.TextField()
    #: The host of the address, or the service that it names: enough to tell two of them apart.
    address_hint = models.CharField(max_length=100)
    address_changed_at = models.DateTimeField()
    sealed_secret = models.TextField(blank=True)
    sealed_old_secret = models.TextField(blank=True)
    old_secret_until = models.DateTimeField(null=True, blank=True)
    environments = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    groups = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    site_keys = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    least_tier = models.CharField(max_length=10, choices=[(one, one) for one in TIERS], blank=True)
    drills = models.CharField(max_length=4, choices=[(str(one), str(one)) for one in Drills], default=str(Drills.NO))
    hours_from = models.TimeField(null=True, blank=True)
    hours_until = models.TimeField(null=True, blank=True)
    weekdays = ArrayField(models.PositiveSmallIntegerField(), default=list, blank=True)
    is_urgent_anytime = models.BooleanField(default=True)
    gathers = models.BooleanField(default=True)
    per_minute = models.PositiveSmallIntegerField(default=30)

    history = track(excluded_fields=["sealed_address", "sealed_secret", "sealed_old_secret"])

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="notifications_endpoint_kind",
                condition=Q(kind__in=Channel.values) & ~Q(kind__in=["inbox", "email"]),
            ),
            models.CheckConstraint(name="notifications_endpoint_status", condition=Q(status__in=EndpointStatus.values)),
            models.CheckConstraint(
                name="notifications_endpoint_named", condition=~Q(name="") & ~Q(sealed_address="") & ~Q(address_hint="")
            ),
            models.CheckConstraint(
                name="notifications_endpoint_hours",
                condition=Q(hours_from__isnull=True, hours_until__isnull=True)
                | Q(hours_from__isnull=False, hours_until__isnull=False),
            ),
            models.CheckConstraint(
                name="notifications_endpoint_pace", condition=Q(per_minute__gte=1, per_minute__lte=600)
            ),
            models.CheckConstraint(
                name="notifications_endpoint_signed", condition=~Q(kind="webhook") | ~Q(sealed_secret="")
            ),
            models.CheckConstraint(
                name="notifications_endpoint_drills", condition=Q(drills__in=[str(one) for one in Drills])
            ),
        ]

    def __str__(self) -> str:
        return self.name


class EndpointLine(models.Model):
    """How sending to an endpoint goes. Untracked: a heartbeat.

    `free_at`: nothing is sent before, for its pace, or since it failed or asked to wait.
    """

    endpoint = models.OneToOneField(Endpoint, on_delete=models.CASCADE, primary_key=True, related_name="line")
    free_at = models.DateTimeField()
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    last_sent_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="notifications_line_failing",
                condition=Q(failures=0, failing_since__isnull=True) | Q(failures__gt=0, failing_since__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.endpoint_id}"


class ChannelTrial(models.Model):
    """A test message with a code of its own, and what the person who sent it found at the other end.

    Without an endpoint it went to that person's own e-mail address. Written once, answered once.
    """

    delivery = models.OneToOneField("notifications.Delivery", on_delete=models.PROTECT, related_name="trial")
    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, null=True, blank=True, related_name="trials")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    wrong_codes = models.PositiveSmallIntegerField(default=0)
    has_arrived = models.BooleanField(null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="notifications_trial_answered",
                condition=Q(has_arrived__isnull=True, answered_at__isnull=True, answered_by__isnull=True)
                | Q(has_arrived__isnull=False, answered_at__isnull=False, answered_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.delivery_id}"
