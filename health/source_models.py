"""Monitoring systems that are asked for figures, and how that goes."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.history import track
from flags.models import Environment

#: Seconds between two pulls. Windows of samples are a minute at most.
INTERVALS = (15, 30, 60, 120, 300)
LEAST_TIMEOUT, MOST_TIMEOUT = 1, 10
#: What a source's secret is sealed for (core.sealing).
SEALED_FOR = "prometheus"


class SourceAuth(models.TextChoices):
    NONE = "none", _("none")
    BEARER = "bearer", _("token (Bearer)")
    BASIC = "basic", _("name and password (Basic)")


class PrometheusSource(models.Model):
    """What speaks Prometheus's API, what to ask it, and which labels say where. Its secret stays out of history."""

    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    url = models.CharField(max_length=300)
    auth = models.CharField(max_length=10, choices=SourceAuth.choices, default=SourceAuth.NONE)
    username = models.CharField(max_length=100, blank=True)
    sealed_secret = models.TextField(blank=True)
    tenant = models.CharField(max_length=150, blank=True)
    requests_query = models.CharField(max_length=1_000)
    errors_query = models.CharField(max_length=1_000)
    latency_query = models.CharField(max_length=1_000, blank=True)
    site_label = models.CharField(max_length=100)
    flag_label = models.CharField(max_length=100, blank=True)
    till_label = models.CharField(max_length=100, blank=True)
    transaction_label = models.CharField(max_length=100, blank=True)
    interval_seconds = models.PositiveSmallIntegerField(default=60)
    timeout_seconds = models.PositiveSmallIntegerField(default=5)
    is_active = models.BooleanField(default=True)

    history = track(excluded_fields=["sealed_secret"])

    class Meta:
        ordering = ["environment", "name"]
        constraints = [
            models.UniqueConstraint(name="health_source_once", fields=["environment", "name"]),
            models.CheckConstraint(name="health_source_interval", condition=Q(interval_seconds__in=INTERVALS)),
            models.CheckConstraint(
                name="health_source_timeout",
                condition=Q(timeout_seconds__gte=LEAST_TIMEOUT, timeout_seconds__lte=MOST_TIMEOUT),
            ),
            models.CheckConstraint(name="health_source_auth_known", condition=Q(auth__in=["none", "bearer", "basic"])),
        ]

    def __str__(self) -> str:
        return self.name


class PrometheusPull(models.Model):
    """How asking a source goes. Untracked: a heartbeat.

    `pulled_until`: windows before it are counted and never asked for again. `fault`: why the last pull gave
    nothing, since `fault_since`. `silent_since`: people were told then; empty again when they were told it is back.
    """

    source = models.OneToOneField(PrometheusSource, on_delete=models.CASCADE, primary_key=True, related_name="pull")
    next_pull_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)
    pulled_until = models.DateTimeField(null=True)
    last_success_at = models.DateTimeField(null=True)
    last_data_at = models.DateTimeField(null=True)
    fault = models.CharField(max_length=40, blank=True)
    fault_data = models.JSONField(default=dict)
    fault_since = models.DateTimeField(null=True)
    silent_since = models.DateTimeField(null=True)
    unknown_sites = models.JSONField(default=list)
    unknown_flags = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="health_pull_fault_since",
                condition=Q(fault="", fault_since__isnull=True) | (~Q(fault="") & Q(fault_since__isnull=False)),
            ),
        ]
        indexes = [models.Index(name="health_pull_due", fields=["next_pull_at"])]

    def __str__(self) -> str:
        return f"{self.source_id}"
