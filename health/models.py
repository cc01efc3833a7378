"""Samples of the fleet, complaints of its people, and the verdicts on both."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.history import track
from flags.models import ApiToken, Environment, Flag, Site
from health.domain.error_rate import DEFAULT_THRESHOLD_BP, LEAST_THRESHOLD_BP, MOST_THRESHOLD_BP
from health.domain.verdict import Verdict
from health.source_models import PrometheusPull, PrometheusSource

__all__ = [
    "BreachMemory",
    "Complaint",
    "ComplaintSeverity",
    "ComplaintStatus",
    "ComplaintText",
    "Guardrail",
    "Lane",
    "Mode",
    "OtlpSeries",
    "PrometheusPull",
    "PrometheusSource",
    "Sample",
    "StoredVerdict",
]


class Sample(models.Model):
    """What one till (or back end) saw in [start_at, ends_at). Untracked: counters."""

    token = models.ForeignKey(ApiToken, on_delete=models.PROTECT, related_name="+")
    client_id = models.CharField(max_length=200)
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    flag = models.ForeignKey(Flag, on_delete=models.PROTECT, null=True, related_name="+")
    till = models.CharField(max_length=100, blank=True)
    release = models.CharField(max_length=50, blank=True)
    transaction = models.CharField(max_length=100, blank=True)
    received_at = models.DateTimeField()
    start_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    requests = models.PositiveIntegerField()
    errors = models.PositiveIntegerField()
    critical_errors = models.PositiveIntegerField()
    integrity_errors = models.PositiveIntegerField()
    latency = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="health_sample_once", fields=["token", "client_id"]),
            models.CheckConstraint(
                name="health_sample_counts",
                condition=Q(errors__lte=models.F("requests"))
                & Q(critical_errors__lte=models.F("errors"))
                & Q(integrity_errors__lte=models.F("errors")),
            ),
            models.CheckConstraint(name="health_sample_forward", condition=Q(ends_at__gt=models.F("start_at"))),
        ]
        indexes = [
            models.Index(name="health_sample_window", fields=["environment", "received_at"]),
            models.Index(name="health_sample_series", fields=["environment", "start_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.site_id} {self.start_at:%H:%M:%S}"


class OtlpSeries(models.Model):
    """What was last seen of a series that counts since its process began. Untracked: forgotten after a day.

    `time_ns`: nanoseconds since 1970, as OTLP counts; null until a point was taken.
    """

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=64)
    seen_at = models.DateTimeField()
    time_ns = models.BigIntegerField(null=True)
    count = models.BigIntegerField(default=0)
    buckets = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="health_otlp_series_once", fields=["token", "key"]),
            models.CheckConstraint(name="health_otlp_series_counts", condition=Q(count__gte=0)),
        ]
        indexes = [models.Index(name="health_otlp_series_seen", fields=["seen_at"])]

    def __str__(self) -> str:
        return self.key[:12]


class StoredVerdict(models.Model):
    """A verdict at the moment it changed, with its numbers. Append-only."""

    append_only = True

    subject = models.CharField(max_length=50)
    epoch = models.PositiveIntegerField()
    lane = models.CharField(max_length=20)
    environment_key = models.CharField(max_length=100)
    flag_key = models.CharField(max_length=100)
    verdict = models.CharField(max_length=15)
    at = models.DateTimeField()
    n = models.PositiveIntegerField()
    k = models.PositiveIntegerField()
    window_start = models.DateTimeField()
    window_end = models.DateTimeField()
    threshold = models.CharField(max_length=100)
    code = models.CharField(max_length=40)
    bound_bp = models.PositiveIntegerField(null=True)
    baseline_bp = models.PositiveIntegerField(null=True)
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(name="health_verdict_known", condition=Q(verdict__in=[str(one) for one in Verdict])),
            models.CheckConstraint(name="health_verdict_lane_known", condition=Q(lane__in=["critical", "error_rate"])),
            models.CheckConstraint(
                name="health_verdict_shares",
                condition=(Q(bound_bp__isnull=True) | Q(bound_bp__lte=10_000))
                & (Q(baseline_bp__isnull=True) | Q(baseline_bp__lte=10_000)),
            ),
        ]
        indexes = [models.Index(name="health_verdict_subject", fields=["subject", "flag_key", "-id"])]

    def __str__(self) -> str:
        return f"{self.flag_key}: {self.verdict}"


class BreachMemory(models.Model):
    """A breach seen once and not yet confirmed, by ratio lane's window. Untracked: gone with the next calm look."""

    subject = models.CharField(max_length=50)
    epoch = models.PositiveIntegerField()
    flag_key = models.CharField(max_length=100)
    window = models.CharField(max_length=10)
    began_at = models.DateTimeField()
    newest_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="health_breach_memory_once", fields=["subject", "flag_key", "window"]),
            models.CheckConstraint(name="health_breach_memory_window_known", condition=Q(window__in=["slow", "fast"])),
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.flag_key}: {self.window}"


class Mode(models.TextChoices):
    OFF = "off", _("off: it does not judge")
    OBSERVE = "observe", _("observe: it says what it would have done")
    HOLD = "hold", _("hold: the rollout stops and people are told")
    ROLL_BACK = "roll_back", _("roll back: the suspect flag goes off for everyone")


class Lane(models.TextChoices):
    """The lanes that can be set; the critical lane always rolls back."""

    ERROR_RATE = "error_rate", _("Error rate")


class Guardrail(models.Model):
    """What a lane does in an environment, and from which share on. No row: the defaults."""

    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+")
    lane = models.CharField(max_length=20, choices=Lane.choices)
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.HOLD)
    threshold_bp = models.PositiveIntegerField(default=DEFAULT_THRESHOLD_BP)

    history = track()

    class Meta:
        ordering = ["environment", "lane"]
        constraints = [
            models.UniqueConstraint(name="health_guardrail_once", fields=["environment", "lane"]),
            models.CheckConstraint(name="health_guardrail_lane_known", condition=Q(lane__in=["error_rate"])),
            models.CheckConstraint(
                name="health_guardrail_mode_known", condition=Q(mode__in=["off", "observe", "hold", "roll_back"])
            ),
            models.CheckConstraint(
                name="health_guardrail_threshold",
                condition=Q(threshold_bp__gte=LEAST_THRESHOLD_BP, threshold_bp__lte=MOST_THRESHOLD_BP),
            ),
        ]

    @property
    def percent(self) -> float:
        return self.threshold_bp / 100

    @property
    def guards_gates(self) -> bool:
        """Tell whether only its pass lets a phase end."""
        return self.mode in {Mode.HOLD, Mode.ROLL_BACK}

    def __str__(self) -> str:
        return f"{self.environment_id}: {self.lane}"


class ComplaintSeverity(models.TextChoices):
    BLOCKING = "blocking", _("blocks the till")
    ANNOYING = "annoying", _("annoying")
    COSMETIC = "cosmetic", _("cosmetic")


class ComplaintStatus(models.TextChoices):
    NEW = "new", _("new")
    DUPLICATE = "duplicate", _("duplicate")
    SPAM = "spam", _("spam")


class Complaint(models.Model):
    """What somebody at a till is unhappy with. Its words lie apart: they have a retention."""

    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="complaints")
    flag = models.ForeignKey(Flag, on_delete=models.PROTECT, null=True, blank=True, related_name="complaints")
    severity = models.CharField(max_length=10, choices=ComplaintSeverity.choices)
    status = models.CharField(max_length=10, choices=ComplaintStatus.choices, default=ComplaintStatus.NEW)
    duplicate_of = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="duplicates")
    logged_at = models.DateTimeField()
    logged_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    history = track()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="health_duplicate_of_something",
                condition=Q(status="duplicate", duplicate_of__isnull=False)
                | (~Q(status="duplicate") & Q(duplicate_of__isnull=True)),
            ),
            models.CheckConstraint(
                name="health_complaint_status_known", condition=Q(status__in=["new", "duplicate", "spam"])
            ),
            models.CheckConstraint(
                name="health_duplicate_of_another",
                condition=Q(duplicate_of__isnull=True) | ~Q(duplicate_of=models.F("id")),
            ),
            models.CheckConstraint(
                name="health_severity_known", condition=Q(severity__in=["blocking", "annoying", "cosmetic"])
            ),
        ]
        indexes = [models.Index(name="health_complaint_day", fields=["environment", "logged_at"])]

    def __str__(self) -> str:
        return f"#{self.pk}"


class ComplaintText(models.Model):
    """A complaint's words and its reporter: personal data, apart from history. Untracked."""

    complaint = models.OneToOneField(Complaint, on_delete=models.CASCADE, primary_key=True, related_name="words")
    text = models.TextField()
    reporter = models.CharField(max_length=100, blank=True)
