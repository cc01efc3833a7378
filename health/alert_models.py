"""What other monitoring systems say: alerts, who sends them, and Sentry's secrets."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.history import track
from core.models import HASH
from flags.models import Environment, Flag, Site
from health.domain.alerts import MAX_KEY_CHARACTERS, MAX_LINK_CHARACTERS, Origin, Severity


class AlertOrigin(models.TextChoices):
    ALERTMANAGER = "alertmanager", "Alertmanager"
    GRAFANA = "grafana", "Grafana"
    SENTRY = "sentry", "Sentry"


class AlertSeverity(models.TextChoices):
    CRITICAL = "critical", _("critical")
    WARNING = "warning", _("warning")
    INFO = "info", _("for information")


class Alert(models.Model):
    """One alert of one monitoring system; it fires in [started_at, ended_at). Untracked: messages change it.

    `flag`, `site`: what its labels name, where the portal knows it. `labels` keeps what was said.
    """

    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+")
    origin = models.CharField(max_length=12, choices=AlertOrigin.choices)
    fingerprint = models.CharField(max_length=200)
    name = models.CharField(max_length=200)
    summary = models.TextField(blank=True)
    severity = models.CharField(max_length=10, choices=AlertSeverity.choices)
    labels = models.JSONField(default=dict)
    flag = models.ForeignKey(Flag, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    release = models.CharField(max_length=MAX_KEY_CHARACTERS, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField()
    last_received_at = models.DateTimeField()
    times_received = models.PositiveIntegerField(default=1)
    link = models.CharField(max_length=MAX_LINK_CHARACTERS, blank=True)

    class Meta:
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                name="health_alert_once", fields=["environment", "origin", "fingerprint", "started_at"]
            ),
            models.CheckConstraint(name="health_alert_named", condition=~Q(name="") & ~Q(fingerprint="")),
            models.CheckConstraint(
                name="health_alert_origin_known", condition=Q(origin__in=[str(one) for one in Origin])
            ),
            models.CheckConstraint(
                name="health_alert_severity_known", condition=Q(severity__in=[str(one) for one in Severity])
            ),
            models.CheckConstraint(
                name="health_alert_forward", condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at"))
            ),
            models.CheckConstraint(
                name="health_alert_received",
                condition=Q(times_received__gte=1, last_received_at__gte=F("received_at")),
            ),
            models.CheckConstraint(
                name="health_alert_link_safe", condition=Q(link="") | Q(link__iregex="^https?://[^[:space:]]+$")
            ),
        ]
        indexes = [
            models.Index(name="health_alert_firing", fields=["environment", "ended_at"]),
            models.Index(name="health_alert_newest", fields=["environment", "-started_at"]),
            models.Index(name="health_alert_last_heard", fields=["last_received_at"]),
        ]

    def __str__(self) -> str:
        return self.name


class AlertSource(models.Model):
    """When a kind of monitoring system last sent something to an environment. Untracked: a heartbeat.

    `watchdog_at`: when its watchdog was last heard firing; `watchdog_ended_at`: when it was heard to
    have ended since. `left_out`: of its last message that said less than it knew, how many alerts
    the sender cut off or the portal refused.
    """

    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+")
    origin = models.CharField(max_length=12, choices=AlertOrigin.choices)
    first_received_at = models.DateTimeField()
    last_received_at = models.DateTimeField()
    watchdog_at = models.DateTimeField(null=True, blank=True)
    watchdog_ended_at = models.DateTimeField(null=True, blank=True)
    left_out = models.PositiveIntegerField(default=0)
    left_out_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["environment", "origin"]
        constraints = [
            models.UniqueConstraint(name="health_alert_source_once", fields=["environment", "origin"]),
            models.CheckConstraint(
                name="health_alert_source_origin_known", condition=Q(origin__in=[str(one) for one in Origin])
            ),
            models.CheckConstraint(
                name="health_alert_source_watched",
                condition=Q(watchdog_ended_at__isnull=True) | Q(watchdog_at__isnull=False),
            ),
            models.CheckConstraint(
                name="health_alert_source_left_out",
                condition=Q(left_out=0, left_out_at__isnull=True) | Q(left_out__gte=1, left_out_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.environment_id}: {self.origin}"


class ForgottenSource(models.Model):
    """That a person took a source of alerts away which is gone, and why. Append-only.

    `alerts_ended`: how many of its alerts still fired, and count as over since.
    """

    append_only = True

    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+")
    origin = models.CharField(max_length=12, choices=AlertOrigin.choices)
    last_received_at = models.DateTimeField()
    forgotten_at = models.DateTimeField()
    forgotten_by = models.CharField(max_length=200)
    reason = models.TextField()
    alerts_ended = models.PositiveIntegerField()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="health_forgotten_source_origin_known", condition=Q(origin__in=[str(one) for one in Origin])
            ),
            models.CheckConstraint(
                name="health_forgotten_source_says_why", condition=~Q(reason="") & ~Q(forgotten_by="")
            ),
            models.CheckConstraint(
                name="health_forgotten_source_forward", condition=Q(forgotten_at__gte=F("last_received_at"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.environment_id}: {self.origin}"


class SentryHook(models.Model):
    """An integration of Sentry whose client secret signs what it sends to an environment.

    The secret is sealed (core.sealing), shown to nobody and no part of history; `secret_end`, its
    last characters, tells it from others.
    """

    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    sealed_secret = models.TextField()
    secret_end = models.CharField(max_length=4)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    off_at = models.DateTimeField(null=True, blank=True)

    history = track(excluded_fields=["sealed_secret"])

    class Meta:
        ordering = ["environment", "name", "pk"]
        constraints = [
            models.CheckConstraint(name="health_sentry_hook_named", condition=~Q(name="")),
            # Switched off, nothing remains that could be read.
            models.CheckConstraint(
                name="health_sentry_hook_sealed",
                condition=Q(off_at__isnull=True) & ~Q(sealed_secret="") | Q(off_at__isnull=False, sealed_secret=""),
            ),
            models.CheckConstraint(
                name="health_sentry_hook_forward",
                condition=Q(changed_at__gte=F("created_at"))
                & (Q(off_at__isnull=True) | Q(off_at__gte=F("created_at"))),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} (…{self.secret_end})"


class SentryReceipt(models.Model):
    """A message of Sentry that was taken: the same again changes nothing. Untracked.

    `body_hash`, of what was signed, is what nobody without the secret can vary; the Request-ID
    beside it tells a message from another with the same words.
    """

    hook = models.ForeignKey(SentryHook, on_delete=models.CASCADE, related_name="+")
    body_hash = models.CharField(max_length=64)
    request_id = models.CharField(max_length=100, blank=True)
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="health_sentry_body_once", fields=["hook", "body_hash"]),
            models.UniqueConstraint(
                name="health_sentry_request_once", fields=["hook", "request_id"], condition=~Q(request_id="")
            ),
            models.CheckConstraint(name="health_sentry_body_hashed", condition=Q(body_hash__regex=HASH)),
        ]
        indexes = [models.Index(name="health_sentry_receipt_old", fields=["received_at"])]

    def __str__(self) -> str:
        return self.request_id or self.body_hash[:12]
