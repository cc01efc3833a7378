"""Releases, rollouts with their phases and steps, rollbacks, and the story as events."""

from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.actors import ActorKind
from core.history import track
from flags.domain.audience import NAMED_KINDS
from flags.models import Environment, Flag, Segment, Site
from rollouts.domain.lifecycle import ENDED, Status
from rollouts.domain.templates import PhaseKind


def _choices(values: type) -> list[tuple[str, str]]:
    return [(str(value), str(value)) for value in values]  # type: ignore[attr-defined]  # an enumeration


class PhaseStatus(models.TextChoices):
    PENDING = "pending", "pending"
    RUNNING = "running", "running"
    DONE = "done", "done"


class StepStatus(models.TextChoices):
    PLANNED = "planned", "planned"
    DONE = "done", "done"
    SKIPPED = "skipped", "skipped"


class Scope(models.TextChoices):
    FLAG = "flag", "flag"
    ALL = "all", "all"


class Trigger(models.TextChoices):
    MANUAL = "manual", "manual"
    CRITICAL_ERRORS = "critical_errors", "critical errors"
    ERROR_RATE = "error_rate", "error rate"


class Release(models.Model):
    version = models.CharField(max_length=50, unique=True)
    name = models.CharField(max_length=200, blank=True)
    notes = models.TextField(blank=True)

    history = track()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.version


class ReleaseFlag(models.Model):
    """A flag that a release brings; the position is the order in which flags advance."""

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="release_flags")
    flag = models.ForeignKey(Flag, on_delete=models.PROTECT, related_name="release_flags")
    position = models.PositiveSmallIntegerField()

    history = track()

    class Meta:
        ordering = ["release", "position"]
        constraints = [models.UniqueConstraint(name="rollouts_release_flag_once", fields=["release", "flag"])]

    def __str__(self) -> str:
        return f"{self.release_id}: {self.flag_id}"


class Rollout(models.Model):
    """One release on its way through one environment.

    `epoch` is raised by every change a person must know of before acting; forms and automatic
    verdicts carry the one they saw.
    """

    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="rollouts")
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="rollouts")
    status = models.CharField(max_length=20, choices=_choices(Status), default=Status.DRAFT)
    epoch = models.PositiveIntegerField(default=1)
    attempt = models.PositiveIntegerField(default=1)
    template_key = models.CharField(max_length=50)
    is_rehearsal = models.BooleanField(default=False)
    is_repeated = models.BooleanField(_("begins again when it ends"), default=False)
    day_seconds = models.PositiveIntegerField(null=True, blank=True)
    start_on = models.DateField(null=True, blank=True)
    start_at = models.DateTimeField()
    zone = models.CharField(max_length=64, default="Europe/Paris")
    promotion_time = models.TimeField()
    testers = models.ForeignKey(Segment, on_delete=models.PROTECT, related_name="+")
    pilots = models.ForeignKey(Segment, on_delete=models.PROTECT, related_name="+")
    held_code = models.CharField(max_length=40, blank=True)
    held_data = models.JSONField(default=dict, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
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


class Phase(models.Model):
    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="phases")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=10, choices=_choices(PhaseKind))
    gates = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    first_day = models.PositiveSmallIntegerField()
    last_day = models.PositiveSmallIntegerField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=PhaseStatus.choices, default=PhaseStatus.PENDING)
    gate_waived = models.BooleanField(default=False)

    history = track()

    class Meta:
        ordering = ["rollout", "position"]
        constraints = [
            models.UniqueConstraint(name="rollouts_phase_once", fields=["rollout", "position"]),
            models.CheckConstraint(name="rollouts_phase_forward", condition=Q(ends_at__gt=models.F("starts_at"))),
            models.CheckConstraint(
                name="rollouts_phase_days_forward", condition=Q(last_day__gte=models.F("first_day"))
            ),
            models.CheckConstraint(name="rollouts_phase_kind_known", condition=Q(kind__in=[str(k) for k in PhaseKind])),
            models.CheckConstraint(name="rollouts_phase_status_known", condition=Q(status__in=PhaseStatus.values)),
        ]

    def __str__(self) -> str:
        return f"{self.rollout_id}: {self.kind}"


class Step(models.Model):
    """One change: a flag for a segment, a site or everyone."""

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="steps")
    phase = models.ForeignKey(Phase, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveIntegerField()
    flag = models.ForeignKey(Flag, on_delete=models.PROTECT, related_name="+")
    audience_kind = models.CharField(max_length=10, choices=[(kind.value, kind.value) for kind in NAMED_KINDS])
    segment = models.ForeignKey(Segment, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    due_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=StepStatus.choices, default=StepStatus.PLANNED)
    done_at = models.DateTimeField(null=True, blank=True)

    history = track()

    class Meta:
        ordering = ["rollout", "position"]
        constraints = [
            models.UniqueConstraint(name="rollouts_step_once", fields=["rollout", "position"]),
            models.CheckConstraint(name="rollouts_step_status_known", condition=Q(status__in=StepStatus.values)),
            models.CheckConstraint(
                name="rollouts_step_done_when",
                condition=Q(status="done", done_at__isnull=False) | (~Q(status="done") & Q(done_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="rollouts_step_audience_whole",
                condition=Q(audience_kind="everyone", segment__isnull=True, site__isnull=True)
                | Q(audience_kind="segment", segment__isnull=False, site__isnull=True)
                | Q(audience_kind="site", segment__isnull=True, site__isnull=False),
            ),
        ]
        indexes = [models.Index(name="rollouts_step_due", fields=["due_at"], condition=Q(status="planned"))]

    @property
    def zone(self) -> ZoneInfo:
        """Whose day and hour it keeps: the site's, else the plan's."""
        return ZoneInfo(self.site.time_zone if self.site else self.rollout.zone)

    @property
    def whom(self) -> str:
        """The audience's name, `everyone` as a code."""
        named = self.site or self.segment
        return named.name if named else "everyone"

    def __str__(self) -> str:
        return f"{self.rollout_id}: {self.flag_id} {self.audience_kind}"


class Rollback(models.Model):
    """A taking back: of one flag or of all; contained the moment it is written."""

    rollout = models.ForeignKey(Rollout, on_delete=models.PROTECT, related_name="rollbacks")
    scope = models.CharField(max_length=10, choices=Scope.choices)
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


class RolloutEvent(models.Model):
    """The story, line by line. Append-only; incidents claim what concerns them."""

    append_only = True

    rollout = models.ForeignKey(Rollout, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=40)
    at = models.DateTimeField()
    data = models.JSONField(default=dict)
    actor_kind = models.CharField(max_length=10)
    actor_label = models.CharField(max_length=200)
    reason = models.TextField()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(name="rollouts_event_kind", fields=["kind", "id"])]
        constraints = [
            models.CheckConstraint(
                name="rollouts_event_actor_known", condition=Q(actor_kind__in=[str(kind) for kind in ActorKind])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rollout_id}: {self.kind}"


class StepFault(models.Model):
    """A rollout whose due step failed: how often, why, and when it is tried again. Untracked; gone once it goes on."""

    rollout = models.OneToOneField(Rollout, on_delete=models.PROTECT, primary_key=True, related_name="step_fault")
    attempts = models.PositiveSmallIntegerField()
    last_error = models.CharField(max_length=200)
    next_attempt_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.rollout_id}: {self.last_error}"


class SchedulerHeartbeat(models.Model):
    """When the scheduler last looked for due steps. One row; untracked."""

    beat_at = models.DateTimeField()
