"""Rollbacks and the flags they took back."""

from django.db import models
from django.db.models import Q

from core.history import track
from flags.models import Flag, Site
from rollouts.models.rollouts import Rollout
from rollouts.models.steps import Phase


class Scope(models.TextChoices):
    FLAG = "flag", "flag"
    SITE = "site", "site"
    PHASE = "phase", "phase"
    ALL = "all", "all"


class Trigger(models.TextChoices):
    MANUAL = "manual", "manual"
    CRITICAL_ERRORS = "critical_errors", "critical errors"
    ERROR_RATE = "error_rate", "error rate"
    PERFORMANCE = "performance", "performance"
    ALERT = "alert", "alert"
    QUERY = "query", "query"
    COMPLAINTS = "complaints", "complaints"


#: A person decided: on their own, or at the end of an investigation.
BY_PERSON = frozenset({Trigger.MANUAL, Trigger.COMPLAINTS})


class Rollback(models.Model):
    """A taking back: of a flag, a site, a phase or all; contained the moment it is written."""

    rollout = models.ForeignKey(Rollout, on_delete=models.PROTECT, related_name="rollbacks")
    scope = models.CharField(max_length=10, choices=Scope.choices)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    phase = models.ForeignKey(Phase, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    trigger = models.CharField(max_length=20, choices=Trigger.choices)
    attempt = models.PositiveIntegerField()
    detected_at = models.DateTimeField()
    contained_at = models.DateTimeField()
    reason = models.TextField()
    triggered_by = models.CharField(max_length=200)
    evidence = models.JSONField(default=dict, blank=True)

    history = track()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(name="rollouts_rollback_scope_known", condition=Q(scope__in=Scope.values)),
            models.CheckConstraint(name="rollouts_rollback_trigger_known", condition=Q(trigger__in=Trigger.values)),
            models.CheckConstraint(name="rollouts_rollback_says_why", condition=~Q(reason="")),
            models.CheckConstraint(
                name="rollouts_rollback_says_what",
                condition=Q(scope="site", site__isnull=False, phase__isnull=True)
                | Q(scope="phase", site__isnull=True, phase__isnull=False)
                | Q(~Q(scope__in=["site", "phase"]), site__isnull=True, phase__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rollout_id}: {self.scope} ({self.trigger})"


class RollbackFlag(models.Model):
    """A flag taken back; automatically at most once for each rollout and attempt."""

    rollback = models.ForeignKey(Rollback, on_delete=models.CASCADE, related_name="rollback_flags")
    rollout = models.ForeignKey(Rollout, on_delete=models.PROTECT, related_name="+")
    flag = models.ForeignKey(Flag, on_delete=models.PROTECT, related_name="+")
    attempt = models.PositiveIntegerField()
    is_automatic = models.BooleanField()

    history = track()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="rollouts_one_automatic_rollback",
                fields=["rollout", "flag", "attempt"],
                condition=Q(is_automatic=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.rollback_id}: {self.flag_id}"
