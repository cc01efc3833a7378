"""Incidents with their clock."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q

from core.history import track
from flags.models import Environment
from health.models import Complaint
from incidents.domain.lifecycle import RUNNING, Status
from incidents.domain.tiers import Tier
from recovery.models import Operation
from rollouts.models import Rollback, Rollout

RUNNING_VALUES = [str(status) for status in RUNNING]


class Incident(models.Model):
    """Something that went wrong. `restored_at` is verified restoration: it stops the clock.

    `operation`: the rollback of a target. `merge_gains`: what the incident that this one is merged into has from it
    and what it was before, so that undoing gives both back. `request_id` is a program's own name for its wish.
    """

    title = models.CharField(max_length=200)
    tier = models.CharField(max_length=10, choices=[(str(t), str(t)) for t in Tier])
    highest_tier = models.CharField(max_length=10, choices=[(str(t), str(t)) for t in Tier])
    status = models.CharField(max_length=10, choices=[(str(s), str(s)) for s in Status], default=Status.OPEN)
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="incidents")
    rollout = models.ForeignKey(Rollout, on_delete=models.PROTECT, null=True, blank=True, related_name="incidents")
    rollback = models.OneToOneField(Rollback, on_delete=models.PROTECT, null=True, blank=True, related_name="incident")
    operation = models.OneToOneField(
        Operation, on_delete=models.PROTECT, null=True, blank=True, related_name="incident"
    )
    flag_keys = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    site_keys = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    is_rehearsal = models.BooleanField(default=False)
    detected_at = models.DateTimeField()
    opened_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    commander = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    communications = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    mitigated_at = models.DateTimeField(null=True, blank=True)
    restored_at = models.DateTimeField(null=True, blank=True)
    restored_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    merged_into = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="merged_in")
    merged_at = models.DateTimeField(null=True, blank=True)
    merge_gains = models.JSONField(default=dict, blank=True, db_default={})
    complaints = models.ManyToManyField(Complaint, through="incidents.LinkedComplaint", related_name="incidents")
    request_id = models.CharField(max_length=100, blank=True, default="", db_default="")
    request_hash = models.CharField(max_length=64, blank=True, default="", db_default="")

    history = track()

    class Meta:
        ordering = ["-pk"]
        # What runs is not restored: an index of the few rows that work is due on.
        indexes = [
            models.Index(name="incidents_restored", fields=["restored_at"]),
            models.Index(name="incidents_running", fields=["detected_at"], condition=Q(status__in=RUNNING_VALUES)),
            models.Index(name="incidents_by_state", fields=["status", "-id"]),
            models.Index(name="incidents_by_place", fields=["environment", "-id"]),
            GinIndex(name="incidents_by_flag", fields=["flag_keys"]),
            GinIndex(name="incidents_sites", fields=["site_keys"]),
            models.Index(name="incidents_by_detection", fields=["-detected_at"]),
            models.Index(name="incidents_to_be_learnt_from", fields=["restored_at"], condition=Q(status="resolved")),
        ]
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
                name="incidents_acknowledged_after_detection",
                condition=Q(acknowledged_at__isnull=True) | Q(acknowledged_at__gte=F("detected_at")),
            ),
            models.CheckConstraint(
                name="incidents_mitigated_after_detection",
                condition=Q(mitigated_at__isnull=True) | Q(mitigated_at__gte=F("detected_at")),
            ),
            models.CheckConstraint(
                name="incidents_resolved_is_restored",
                condition=~Q(status__in=["resolved", "closed"]) | Q(restored_at__isnull=False),
            ),
            models.CheckConstraint(
                name="incidents_merged_into_one",
                condition=Q(status="merged", merged_into__isnull=False, merged_at__isnull=False, restored_at=None)
                | (~Q(status="merged") & Q(merged_into__isnull=True, merged_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="incidents_merged_into_another",
                condition=Q(merged_into__isnull=True) | ~Q(merged_into=F("id")),
            ),
            models.UniqueConstraint(
                name="incidents_request_once", fields=["environment", "request_id"], condition=~Q(request_id="")
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.title}"
