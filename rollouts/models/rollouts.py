"""Rollouts, with their flags and sites."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.history import track
from flags.models import Environment, Flag, Segment, Site
from rollouts.domain.lifecycle import ENDED, Status
from rollouts.models.choices import choices_of
from rollouts.models.releases import Release
from rollouts.models.templates import PlanTemplateVersion


class Rollout(models.Model):
    """One release on its way through one environment.

    `testers` and `pilots` are there where its template asks for them.
    `epoch` is raised by every change a person must know of before acting; forms and automatic
    verdicts carry the one they saw. `request_id` is a program's own name for its wish: asked twice, planned once;
    `request_hash` is the SHA-256, hex, of all that it asked for.
    """

    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="rollouts")
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="rollouts")
    status = models.CharField(max_length=20, choices=choices_of(Status), default=Status.DRAFT)
    epoch = models.PositiveIntegerField(default=1)
    attempt = models.PositiveIntegerField(default=1)
    template_version = models.ForeignKey(PlanTemplateVersion, on_delete=models.PROTECT, related_name="rollouts")
    is_rehearsal = models.BooleanField(default=False)
    is_repeated = models.BooleanField(_("begins again when it ends"), default=False)
    day_seconds = models.PositiveIntegerField(null=True, blank=True)
    start_on = models.DateField(null=True, blank=True)
    start_at = models.DateTimeField()
    zone = models.CharField(max_length=64, default="Europe/Paris")
    allows_holidays = models.BooleanField(default=False, db_default=False)
    promotion_time = models.TimeField()
    testers = models.ForeignKey(Segment, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    pilots = models.ForeignKey(Segment, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    held_code = models.CharField(max_length=40, blank=True)
    held_data = models.JSONField(default=dict, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    request_id = models.CharField(max_length=100, blank=True, default="", db_default="")
    request_hash = models.CharField(max_length=64, blank=True, default="", db_default="")
    ended_at = models.DateTimeField(null=True, blank=True)

    history = track()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(name="rollouts_status_known", condition=Q(status__in=[str(s) for s in Status])),
            models.CheckConstraint(
                name="rollouts_rehearsal_has_day",
                condition=Q(is_rehearsal=True, day_seconds__gte=1, start_on__isnull=True)
                | Q(is_rehearsal=False, day_seconds__isnull=True, start_on__isnull=False),
            ),
            models.UniqueConstraint(
                name="rollouts_request_once", fields=["environment", "request_id"], condition=~Q(request_id="")
            ),
            models.CheckConstraint(
                name="rollouts_held_says_why",
                condition=(Q(status=Status.HELD) & ~Q(held_code="")) | (~Q(status=Status.HELD) & Q(held_code="")),
            ),
            models.CheckConstraint(
                name="rollouts_ended_when",
                condition=Q(status__in=sorted(str(s) for s in ENDED), ended_at__isnull=False)
                | (~Q(status__in=sorted(str(s) for s in ENDED)) & Q(ended_at__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.release} → {self.environment}"

    @property
    def subject(self) -> str:
        """Return what health knows it as."""
        return f"rollout:{self.pk}"


class RolloutFlag(models.Model):
    """A flag of a rollout. Active: the rollout drives it; at most one rollout does in an environment."""

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="rollout_flags")
    flag = models.ForeignKey(Flag, on_delete=models.PROTECT, related_name="rollout_flags")
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()
    is_active = models.BooleanField(default=False)
    rolled_back_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)

    history = track()

    class Meta:
        ordering = ["rollout", "position"]
        constraints = [
            models.UniqueConstraint(name="rollouts_flag_once", fields=["rollout", "flag"]),
            models.UniqueConstraint(
                name="rollouts_one_running_per_flag", fields=["flag", "environment"], condition=Q(is_active=True)
            ),
            models.CheckConstraint(
                name="rollouts_active_not_rolled_back", condition=Q(is_active=False) | Q(rolled_back_at__isnull=True)
            ),
            models.CheckConstraint(
                name="rollouts_acknowledged_rollback",
                condition=Q(acknowledged_at__isnull=True) | Q(rolled_back_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rollout_id}: {self.flag_id}"


class RolloutSite(models.Model):
    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="rollout_sites")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()

    history = track()

    class Meta:
        ordering = ["rollout", "position"]
        constraints = [models.UniqueConstraint(name="rollouts_site_once", fields=["rollout", "site"])]

    def __str__(self) -> str:
        return f"{self.rollout_id}: {self.site_id}"
