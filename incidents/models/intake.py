"""What the intake has claimed of events, alerts and rollbacks of targets, and what it failed on."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.history import track
from flags.models import Environment
from health.alert_models import AlertOrigin
from incidents.models.incidents import Incident
from recovery.models import Operation
from rollouts.models import RolloutEvent


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


class AlertMode(models.TextChoices):
    """Which alerts of an environment open incidents."""

    OFF = "off", _("none: they are listed, and judged by the guardrails")
    CRITICAL = "critical", _("critical ones")
    WARNING = "warning", _("critical ones and warnings")


class AlertIntake(models.Model):
    """Which alerts of an environment open incidents; no row: none. Only those received since it was set."""

    environment = models.OneToOneField(Environment, on_delete=models.PROTECT, related_name="alert_intake")
    mode = models.CharField(max_length=10, choices=AlertMode.choices, default=AlertMode.OFF)
    since = models.DateTimeField()

    history = track()

    class Meta:
        ordering = ["environment"]
        constraints = [
            models.CheckConstraint(
                name="incidents_alert_mode_known", condition=Q(mode__in=["off", "critical", "warning"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.environment_id}: {self.mode}"


class AlertClaim(models.Model):
    """An alert that the intake has dealt with, by what makes it one; the alert itself is forgotten sooner. Untracked.

    `incident` is what it opened or joined; `ended_at`: it was noted there that it is over.
    """

    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+")
    origin = models.CharField(max_length=12, choices=AlertOrigin.choices)
    fingerprint = models.CharField(max_length=200)
    started_at = models.DateTimeField()
    name = models.CharField(max_length=200)
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, null=True, related_name="alert_claims")
    claimed_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="incidents_alert_once", fields=["environment", "origin", "fingerprint", "started_at"]
            ),
        ]
        indexes = [
            models.Index(name="incidents_alert_group", fields=["environment", "origin", "name", "-id"]),
            models.Index(
                name="incidents_alert_going_on",
                fields=["id"],
                condition=Q(incident__isnull=False, ended_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class OperationClaim(models.Model):
    """A rollback of a target that the intake has dealt with; `ended_at`: its end was noted. Untracked."""

    operation = models.OneToOneField(
        Operation, on_delete=models.PROTECT, primary_key=True, related_name="incident_claim"
    )
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, null=True, related_name="operation_claims")
    claimed_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                name="incidents_target_going_on",
                fields=["operation"],
                condition=Q(incident__isnull=False, ended_at__isnull=True),
            ),
        ]


class SourceFault(models.Model):
    """An alert or a rollback of a target that the intake failed on: when it is tried again. Untracked.

    `source` names it: `alert:7`, `operation:3`.
    """

    source = models.CharField(max_length=40, primary_key=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    last_error = models.TextField(blank=True)
    given_up_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.source}: {self.last_error}"
