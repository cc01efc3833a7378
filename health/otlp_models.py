"""What is remembered of OpenTelemetry's series between two reports."""

from django.db import models
from django.db.models import Q

from flags.models import ApiToken


class OtlpSeries(models.Model):
    """What was last seen of a series that counts since its process began. Untracked: forgotten after a day.

    `time_ns`: nanoseconds since 1970, as OTLP counts; null until a point was taken.
    """

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=64)
    seen_at = models.DateTimeField()
    time_ns = models.BigIntegerField(null=True)
    count = models.BigIntegerField(default=0)
    buckets = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="health_otlp_series_once", fields=["token", "key"]),
            models.CheckConstraint(name="health_otlp_series_counts", condition=Q(count__gte=0)),
        ]
        indexes = [models.Index(name="health_otlp_series_seen", fields=["seen_at"])]

    def __str__(self) -> str:
        return self.key[:12]
