"""What was usual before a release, frozen when it started."""

from django.db import models
from django.db.models import Q

from flags.models import Environment, Site


class Baseline(models.Model):
    """Which figures are usual, as they were when a subject was first exposed. Untracked: figures, never changed.

    `subject` is opaque to health, e.g. `rollout:12`. Its days are civil days of the sites.
    """

    subject = models.CharField(max_length=50, unique=True)
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+")
    frozen_at = models.DateTimeField()
    first_on = models.DateField()
    last_on = models.DateField()
    excluded = models.JSONField(default=list)
    requests = models.PositiveBigIntegerField()
    errors = models.PositiveBigIntegerField()
    complaints_a_day = models.FloatField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="health_baseline_forward", condition=Q(last_on__gte=models.F("first_on"))),
            models.CheckConstraint(name="health_baseline_counts", condition=Q(errors__lte=models.F("requests"))),
        ]

    def __str__(self) -> str:
        return self.subject


class UsualLatency(models.Model):
    """The usual p95 of a named transaction, of one site or of all (None), at one hour of one weekday.

    `weekday` is 0 for Monday; `hour` is the site's own. Fewer requests than a baseline needs have no row.
    """

    baseline = models.ForeignKey(Baseline, on_delete=models.CASCADE, related_name="latencies")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, null=True, related_name="+")
    transaction = models.CharField(max_length=100, blank=True)
    weekday = models.PositiveSmallIntegerField()
    hour = models.PositiveSmallIntegerField()
    p95_ms = models.FloatField()
    requests = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="health_usual_latency_once",
                fields=["baseline", "site", "transaction", "weekday", "hour"],
                nulls_distinct=False,
            ),
            models.CheckConstraint(name="health_usual_latency_hour", condition=Q(weekday__lte=6, hour__lte=23)),
        ]

    def __str__(self) -> str:
        return f"{self.baseline_id} {self.transaction} {self.weekday}/{self.hour}"
