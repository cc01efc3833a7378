"""Incidents with their clock, timeline and post-mortem; what the intake has claimed."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.history import track
from flags.models import Environment
from incidents.domain.lifecycle import Status
from incidents.domain.tiers import WARNINGS, Tier
from rollouts.models import Rollback, Rollout, RolloutEvent


class Incident(models.Model):
    """Something that went wrong. `restored_at` is verified restoration: it stops the clock."""

    title = models.CharField(max_length=200)
    tier = models.CharField(max_length=10, choices=[(str(t), str(t)) for t in Tier])
    highest_tier = models.CharField(max_length=10, choices=[(str(t), str(t)) for t in Tier])
    status = models.CharField(max_length=10, choices=[(str(s), str(s)) for s in Status], default=Status.OPEN)
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="incidents")
    rollout = models.ForeignKey(Rollout, on_delete=models.PROTECT, null=True, blank=True, related_name="incidents")
    rollback = models.OneToOneField(Rollback, on_delete=models.PROTECT, null=True, blank=True, related_name="incident")
    flag_keys = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    site_keys = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    is_rehearsal = models.BooleanField(default=False)
    detected_at = models.DateTimeField()
    opened_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    commander = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    mitigated_at = models.DateTimeField(null=True, blank=True)
    restored_at = models.DateTimeField(null=True, blank=True)
    restored_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )

    history = track()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(name="incidents_status_known", condition=Q(status__in=[str(s) for s in Status])),
            models.CheckConstraint(name="incidents_tier_known", condition=Q(tier__in=[str(t) for t in Tier])),
            models.CheckConstraint(
                name="incidents_highest_tier_counts",
                condition=Q(highest_tier="critical")
                | (Q(highest_tier="important") & ~Q(tier="critical"))
                | Q(highest_tier="minor", tier="minor"),
            ),
            models.CheckConstraint(
                name="incidents_commanded_since",
                condition=Q(acknowledged_at__isnull=True, commander__isnull=True)
                | Q(acknowledged_at__isnull=False, commander__isnull=False),
            ),
            models.CheckConstraint(
                name="incidents_mitigated_when", condition=~Q(status="mitigated") | Q(mitigated_at__isnull=False)
            ),
            models.CheckConstraint(
                name="incidents_running_not_restored",
                condition=~Q(status__in=["open", "mitigated"]) | Q(restored_at__isnull=True),
            ),
            models.CheckConstraint(
                name="incidents_opened_after_detection", condition=Q(opened_at__gte=F("detected_at"))
            ),
            models.CheckConstraint(name="incidents_titled", condition=~Q(title="")),
            models.CheckConstraint(
                name="incidents_restored_by_somebody",
                condition=Q(restored_at__isnull=True, restored_by__isnull=True)
                | Q(restored_at__isnull=False, restored_by__isnull=False),
            ),
            models.CheckConstraint(
                name="incidents_restored_after_detection",
                condition=Q(restored_at__isnull=True) | Q(restored_at__gte=F("detected_at")),
            ),
            models.CheckConstraint(
                name="incidents_resolved_is_restored",
                condition=~Q(status__in=["resolved", "closed"]) | Q(restored_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.title}"


class TimelineEntry(models.Model):
    """One line of the timeline: a code with data, or a person's note. Append-only."""

    append_only = True

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="timeline")
    at = models.DateTimeField()
    code = models.CharField(max_length=40)
    data = models.JSONField(default=dict)
    note = models.TextField(blank=True)
    actor_label = models.CharField(max_length=200)

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.incident_id}: {self.code}"


class PostMortem(models.Model):
    incident = models.OneToOneField(Incident, on_delete=models.PROTECT, related_name="post_mortem")
    root_cause = models.TextField(blank=True)
    impact = models.TextField(blank=True)
    documentation_updates = models.TextField(blank=True)

    history = track()

    def __str__(self) -> str:
        return f"post-mortem of #{self.incident_id}"


class ActionKind(models.TextChoices):
    DOCUMENTATION = "documentation", _("documentation update")
    PREVENTIVE = "preventive", _("preventive measure")


class ActionItem(models.Model):
    """What is to be done so that it does not happen again; verified by somebody else."""

    post_mortem = models.ForeignKey(PostMortem, on_delete=models.PROTECT, related_name="action_items")
    kind = models.CharField(max_length=15, choices=ActionKind.choices)
    title = models.CharField(max_length=300)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    due_on = models.DateField()
    done_at = models.DateTimeField(null=True, blank=True)

    history = track()

    class Meta:
        ordering = ["due_on", "pk"]
        constraints = [
            models.CheckConstraint(
                name="incidents_measure_kind_known", condition=Q(kind__in=["documentation", "preventive"])
            ),
            models.CheckConstraint(name="incidents_measure_titled", condition=~Q(title="")),
        ]

    def __str__(self) -> str:
        return self.title


class IntakeClaim(models.Model):
    """An event of a rollout that the intake has dealt with. Untracked."""

    event = models.OneToOneField(RolloutEvent, on_delete=models.PROTECT, primary_key=True, related_name="intake_claim")
    claimed_at = models.DateTimeField()


class IntakeFault(models.Model):
    """An event that the intake failed on: when it is tried again, or that it was given up. Untracked."""

    event = models.OneToOneField(RolloutEvent, on_delete=models.PROTECT, primary_key=True, related_name="intake_fault")
    attempts = models.PositiveSmallIntegerField()
    next_attempt_at = models.DateTimeField()
    last_error = models.TextField(blank=True)
    given_up_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.event_id}: {self.last_error}"


class DeadlineWarning(models.Model):
    """A warning that was given, once for each incident and share of its time. Untracked."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="deadline_warnings")
    percent = models.PositiveSmallIntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="incidents_warned_once", fields=["incident", "percent"]),
            models.CheckConstraint(name="incidents_warning_known", condition=Q(percent__in=WARNINGS)),
        ]
