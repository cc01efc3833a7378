"""How lanes are set, what they remember between two looks, and what they decided."""

from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.history import track
from flags.models import Environment, Flag
from health.domain.error_rate import DEFAULT_THRESHOLD_BP
from health.domain.guardrail import LIMITS, SHARE_LANES, Act, Limits, Unit

#: A lane does not hold the same flag again within so many minutes.
DEFAULT_COOL_DOWN, LONGEST_COOL_DOWN = 15, 24 * 60


class Mode(models.TextChoices):
    OFF = "off", _("off: it does not judge")
    OBSERVE = "observe", _("observe: it says what it would have done")
    INVESTIGATE = "investigate", _("investigate: the rollout goes on, somebody looks into it in time")
    HOLD = "hold", _("hold: the rollout stops and people are told")
    ROLL_BACK = "roll_back", _("roll back: what the scope says goes off")


class Lane(models.TextChoices):
    """The lanes that can be set; the critical lane always rolls back."""

    ERROR_RATE = "error_rate", _("Error rate")
    PERFORMANCE = "performance", _("Performance")
    ALERT = "alert", _("Alerts")
    COMPLAINTS = "complaints", _("Complaints")


class GuardrailScope(models.TextChoices):
    """What goes off in mode roll back."""

    FLAG = "flag", _("the suspect flag, for everyone")
    SITE = "site", _("the site that stands out, else the suspect flag")
    ROLLOUT = "rollout", _("the whole rollout")


def _is_within(lane: str, limits: Limits) -> Q:
    """Return the condition that a lane's limit stands in its own unit's column, within its bounds."""
    if limits.unit == Unit.A_DAY:
        return Q(lane=lane, threshold_bp=0, most_a_day__gte=limits.least, most_a_day__lte=limits.most)
    return Q(lane=lane, threshold_bp__gte=limits.least, threshold_bp__lte=limits.most, most_a_day__isnull=True)


class Guardrail(models.Model):
    """What a lane does in an environment, for every flag or for one, and from which limit on. No row: the defaults.

    The limit is a share in `threshold_bp`, or so many a day in `most_a_day`: as the lane's `Limits.unit` says.
    """

    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+")
    lane = models.CharField(max_length=20, choices=Lane.choices)
    flag = models.ForeignKey(Flag, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    mode = models.CharField(max_length=12, choices=Mode.choices, default=Mode.HOLD)
    scope = models.CharField(
        max_length=10,
        choices=GuardrailScope.choices,
        default=GuardrailScope.FLAG,
        db_default="flag",
    )
    threshold_bp = models.PositiveIntegerField(default=DEFAULT_THRESHOLD_BP)
    most_a_day = models.PositiveIntegerField(null=True, blank=True)
    cool_down_minutes = models.PositiveIntegerField(default=DEFAULT_COOL_DOWN, db_default=DEFAULT_COOL_DOWN)

    history = track()

    class Meta:
        ordering = ["environment", "lane", "flag"]
        constraints = [
            models.UniqueConstraint(
                name="health_guardrail_once", fields=["environment", "lane", "flag"], nulls_distinct=False
            ),
            models.CheckConstraint(name="health_guardrail_lane_known", condition=Q(lane__in=list(LIMITS))),
            models.CheckConstraint(
                name="health_guardrail_mode_known",
                condition=Q(mode__in=["off", "observe", "investigate", "hold", "roll_back"]),
            ),
            models.CheckConstraint(
                name="health_guardrail_scope_known", condition=Q(scope__in=["flag", "site", "rollout"])
            ),
            models.CheckConstraint(
                name="health_guardrail_threshold",
                condition=Q(*(_is_within(lane, limits) for lane, limits in LIMITS.items()), _connector=Q.OR),
            ),
            models.CheckConstraint(
                name="health_guardrail_complaints",
                condition=~Q(lane="complaints") | (Q(flag__isnull=True) & ~Q(mode="roll_back")),
            ),
            models.CheckConstraint(
                name="health_guardrail_cool_down", condition=Q(cool_down_minutes__lte=LONGEST_COOL_DOWN)
            ),
        ]

    @property
    def has_share(self) -> bool:
        """Whether its limit is a share."""
        return LIMITS[self.lane].unit == Unit.SHARE

    @property
    def percent(self) -> float:
        return self.threshold_bp / 100

    @property
    def cool_down(self) -> timedelta:
        return timedelta(minutes=self.cool_down_minutes)

    @property
    def guards_gates(self) -> bool:
        """Tell whether only its pass lets a phase end."""
        return self.mode in {Mode.INVESTIGATE, Mode.HOLD, Mode.ROLL_BACK}

    def __str__(self) -> str:
        return f"{self.environment_id}: {self.lane}"


class LaneMemory(models.Model):
    """What a share lane knows of a subject's flag after the minutes that are over. Untracked: figures.

    `data`: a `health.domain.share_lane.Memory`.
    """

    subject = models.CharField(max_length=50)
    lane = models.CharField(max_length=20)
    flag_key = models.CharField(max_length=100)
    data = models.JSONField()
    written_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="health_lane_memory_once", fields=["subject", "lane", "flag_key"]),
            models.CheckConstraint(name="health_lane_memory_lane_known", condition=Q(lane__in=SHARE_LANES)),
        ]
        indexes = [models.Index(name="health_lane_memory_age", fields=["written_at"])]

    def __str__(self) -> str:
        return f"{self.subject} {self.flag_key}: {self.lane}"


class Decision(models.Model):
    """What a lane did, or would have done, and on which numbers. Append-only."""

    append_only = True

    subject = models.CharField(max_length=50)
    epoch = models.PositiveIntegerField()
    lane = models.CharField(max_length=20)
    environment_key = models.CharField(max_length=100)
    flag_key = models.CharField(max_length=100)
    site_key = models.CharField(max_length=100, blank=True)
    at = models.DateTimeField()
    mode = models.CharField(max_length=12)
    act = models.CharField(max_length=12)
    verdict = models.CharField(max_length=15)
    code = models.CharField(max_length=40)
    n = models.PositiveIntegerField()
    k = models.PositiveIntegerField()
    window_start = models.DateTimeField()
    window_end = models.DateTimeField()
    threshold = models.CharField(max_length=100)
    bound_bp = models.PositiveIntegerField(null=True)
    baseline_bp = models.PositiveIntegerField(null=True)
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(name="health_decision_act_known", condition=Q(act__in=[str(one) for one in Act])),
        ]
        indexes = [
            models.Index(name="health_decision_subject", fields=["subject", "lane", "flag_key", "at"]),
            models.Index(name="health_decision_newest", fields=["environment_key", "-id"]),
        ]

    def __str__(self) -> str:
        return f"{self.flag_key}: {self.act}"
