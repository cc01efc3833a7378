"""Guardrails that are queries of one's own, when each is asked, and what it said lately."""

from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.history import track
from flags.models import Environment
from health.domain.query_lane import FLAG_PLACE, Comparison, QueryFacts, make_lane
from health.guardrail_models import DEFAULT_COOL_DOWN, LONGEST_COOL_DOWN, GuardrailScope, Mode
from health.source_models import PrometheusSource

DEFAULT_LASTING, LONGEST_LASTING = 60, 15 * 60
#: Beyond, a number is none that anybody means.
LARGEST_LIMIT = 1e300


class QueryComparison(models.TextChoices):
    ABOVE = str(Comparison.ABOVE), _("above the limit")
    BELOW = str(Comparison.BELOW), _("below the limit")


#: What can go off: one number for all sites says of no site that it stands out.
SCOPES = [GuardrailScope.FLAG, GuardrailScope.ROLLOUT]


class QueryGuardrail(models.Model):
    """A query of a monitoring system, the limit its value must keep, and what happens where it does not."""

    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    source = models.ForeignKey(PrometheusSource, on_delete=models.PROTECT, related_name="+")
    query = models.CharField(max_length=1_000)
    comparison = models.CharField(max_length=5, choices=QueryComparison.choices, default=QueryComparison.ABOVE)
    limit = models.FloatField()
    lasting_seconds = models.PositiveSmallIntegerField(default=DEFAULT_LASTING)
    mode = models.CharField(max_length=12, choices=Mode.choices, default=Mode.OBSERVE)
    scope = models.CharField(max_length=10, choices=GuardrailScope.choices, default=GuardrailScope.FLAG)
    cool_down_minutes = models.PositiveIntegerField(default=DEFAULT_COOL_DOWN)
    is_active = models.BooleanField(default=True)

    history = track()

    class Meta:
        ordering = ["environment", "name"]
        constraints = [
            models.UniqueConstraint(name="health_query_once", fields=["environment", "name"]),
            models.CheckConstraint(
                name="health_query_comparison_known", condition=Q(comparison__in=["above", "below"])
            ),
            models.CheckConstraint(
                name="health_query_mode_known",
                condition=Q(mode__in=["off", "observe", "investigate", "hold", "roll_back"]),
            ),
            models.CheckConstraint(name="health_query_scope_known", condition=Q(scope__in=["flag", "rollout"])),
            # PostgreSQL sorts NaN above every number.
            models.CheckConstraint(
                name="health_query_limit", condition=Q(limit__gte=-LARGEST_LIMIT, limit__lte=LARGEST_LIMIT)
            ),
            models.CheckConstraint(name="health_query_lasting", condition=Q(lasting_seconds__lte=LONGEST_LASTING)),
            models.CheckConstraint(
                name="health_query_cool_down", condition=Q(cool_down_minutes__lte=LONGEST_COOL_DOWN)
            ),
        ]

    @property
    def lane(self) -> str:
        return make_lane(self.pk)

    @property
    def is_per_flag(self) -> bool:
        """Tell whether it is asked for each flag by itself."""
        return FLAG_PLACE in self.query

    @property
    def cool_down(self) -> timedelta:
        return timedelta(minutes=self.cool_down_minutes)

    @property
    def guards_gates(self) -> bool:
        """Tell whether only its pass lets a phase end."""
        return self.mode in {Mode.INVESTIGATE, Mode.HOLD, Mode.ROLL_BACK}

    @property
    def facts(self) -> QueryFacts:
        """Return what the lane needs of it."""
        return QueryFacts(
            lane=self.lane,
            name=self.name,
            comparison=self.comparison,
            limit=self.limit,
            lasting=timedelta(seconds=self.lasting_seconds),
        )

    def __str__(self) -> str:
        return self.name


class QueryWatch(models.Model):
    """A query that is asked while somebody wants to know, for one flag or ("") for whichever went on last.

    Untracked: a heartbeat. `wanted_at`: when a lane last asked for its readings.
    """

    guardrail = models.ForeignKey(QueryGuardrail, on_delete=models.CASCADE, related_name="watches")
    flag_key = models.CharField(max_length=100, blank=True)
    wanted_at = models.DateTimeField()
    next_ask_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="health_watch_once", fields=["guardrail", "flag_key"])]
        indexes = [models.Index(name="health_watch_due", fields=["next_ask_at"])]

    def __str__(self) -> str:
        return f"{self.guardrail_id}: {self.flag_key}"


class QueryReading(models.Model):
    """What a query said at a moment: a value, or the code of what is wrong. Untracked: figures, kept for an hour."""

    watch = models.ForeignKey(QueryWatch, on_delete=models.CASCADE, related_name="readings")
    at = models.DateTimeField()
    value = models.FloatField(null=True)
    code = models.CharField(max_length=40, blank=True)
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ["-at"]
        constraints = [
            models.CheckConstraint(
                name="health_reading_value_or_code",
                condition=Q(value__isnull=False, code="") | (Q(value__isnull=True) & ~Q(code="")),
            ),
        ]
        indexes = [
            models.Index(name="health_reading_of_watch", fields=["watch", "at"]),
            models.Index(name="health_reading_age", fields=["at"]),
        ]

    def __str__(self) -> str:
        return f"{self.watch_id}: {self.code or self.value}"
