"""Samples of the fleet, complaints of its people, and the verdicts on both."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.history import track
from flags.models import Environment, Flag, Site
from health.alert_models import Alert, AlertSource, ForgottenSource, SentryHook, SentryReceipt
from health.baseline_models import Baseline, UsualLatency
from health.domain import query_lane
from health.domain.guardrail import FLAG_LANES
from health.domain.verdict import Verdict
from health.guardrail_models import Decision, Guardrail, GuardrailScope, Lane, LaneMemory, Mode
from health.otlp_models import OtlpSeries
from health.query_models import QueryGuardrail, QueryReading, QueryWatch
from health.sample_models import FlagMinute, LatencyHour, LatencyMinute, Sample, SampleBatch, SiteMinute, TillMinute
from health.source_models import PrometheusPull, PrometheusSource

__all__ = [
    "Alert",
    "AlertSource",
    "Baseline",
    "Complaint",
    "ComplaintSeverity",
    "ComplaintStatus",
    "ComplaintText",
    "Decision",
    "FlagMinute",
    "ForgottenSource",
    "Guardrail",
    "GuardrailScope",
    "Lane",
    "LaneMemory",
    "LatencyHour",
    "LatencyMinute",
    "Mode",
    "OtlpSeries",
    "PrometheusPull",
    "PrometheusSource",
    "QueryGuardrail",
    "QueryReading",
    "QueryWatch",
    "Sample",
    "SampleBatch",
    "SentryHook",
    "SentryReceipt",
    "SiteMinute",
    "StoredVerdict",
    "TillMinute",
    "UsualLatency",
]


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
            models.CheckConstraint(
                name="health_verdict_lane_known",
                condition=Q(lane__in=["critical", *FLAG_LANES]) | Q(lane__startswith=f"{query_lane.LANE}:"),
            ),
            models.CheckConstraint(
                name="health_verdict_shares",
                condition=(Q(bound_bp__isnull=True) | Q(bound_bp__lte=10_000))
                & (Q(baseline_bp__isnull=True) | Q(baseline_bp__lte=10_000)),
            ),
        ]
        indexes = [models.Index(name="health_verdict_subject", fields=["subject", "flag_key", "-id"])]

    def __str__(self) -> str:
        return f"{self.flag_key}: {self.verdict}"


class ComplaintSeverity(models.TextChoices):
    BLOCKING = "blocking", _("blocks the till")
    ANNOYING = "annoying", _("annoying")
    COSMETIC = "cosmetic", _("cosmetic")


class ComplaintStatus(models.TextChoices):
    NEW = "new", _("new")
    DUPLICATE = "duplicate", _("duplicate")
    SPAM = "spam", _("spam")


class Complaint(models.Model):
    """What somebody at a till is unhappy with. Its words lie apart: they have a retention.

    `request_id` is the name of the wish that a program logged it with, or a file's line: asked twice, logged once.
    """

    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="complaints")
    flag = models.ForeignKey(Flag, on_delete=models.PROTECT, null=True, blank=True, related_name="complaints")
    severity = models.CharField(max_length=10, choices=ComplaintSeverity.choices)
    status = models.CharField(max_length=10, choices=ComplaintStatus.choices, default=ComplaintStatus.NEW)
    duplicate_of = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="duplicates")
    request_id = models.CharField(max_length=120, blank=True, default="", db_default="")
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
            models.UniqueConstraint(
                name="health_complaint_once", fields=["environment", "request_id"], condition=~Q(request_id="")
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
