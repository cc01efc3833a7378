"""Samples as they came, and what they are rolled up to. Untracked: counters.

All but the queue lie in tables partitioned by day (UTC) that the migrations make in SQL: their keys
are what Django is told, and no constraint of the database ties them to sites and flags, which are
never deleted: checking would cost more than storing. docs/explanation/samples.md says how it works.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from flags.models import Environment, Flag, Site


class Sample(models.Model):
    """What one till (or back end) saw in [start_at, ends_at).

    `source` is who sent it (`token:12`); with the sender's own number it is counted once. The key is the
    batch's times `BATCH_SIZE`, plus the place in it. `latency` is a JSON list of bounds and counts, or empty:
    text, because the database never looks into it, and would take longer to read it than to store the rest.
    """

    BATCH_SIZE = 1_000

    id = models.BigIntegerField(primary_key=True)
    source = models.CharField(max_length=50)
    client_id = models.CharField(max_length=200)
    environment = models.ForeignKey(
        Environment, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    flag = models.ForeignKey(
        Flag, on_delete=models.PROTECT, null=True, related_name="+", db_constraint=False, db_index=False
    )
    till = models.CharField(max_length=100, blank=True)
    release = models.CharField(max_length=50, blank=True)
    transaction = models.CharField(max_length=100, blank=True)
    received_at = models.DateTimeField()
    start_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    requests = models.PositiveIntegerField()
    errors = models.PositiveIntegerField()
    critical_errors = models.PositiveIntegerField()
    integrity_errors = models.PositiveIntegerField()
    latency = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="health_sample_counts",
                condition=Q(errors__lte=models.F("requests"))
                & Q(critical_errors__lte=models.F("errors"))
                & Q(integrity_errors__lte=models.F("errors")),
            ),
            models.CheckConstraint(name="health_sample_forward", condition=Q(ends_at__gt=models.F("start_at"))),
        ]
        indexes = [
            models.Index(name="health_sample_batch", fields=["id"]),
            models.Index(
                name="health_sample_weighs",
                fields=["environment", "received_at"],
                condition=Q(critical_errors__gt=0) | Q(integrity_errors__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.site_id} {self.start_at:%H:%M:%S}"


class SampleBatch(models.Model):
    """Samples of one transaction that are not rolled up yet: a queue. What commits late is found late, and once."""

    received_at = models.DateTimeField()
    has_latency = models.BooleanField()
    is_counted = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"#{self.pk}"


class RolledUp(models.Model):
    """What a roll-up is of: an environment, a flag or none, a site."""

    environment = models.ForeignKey(
        Environment, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    flag = models.ForeignKey(
        Flag, on_delete=models.PROTECT, null=True, related_name="+", db_constraint=False, db_index=False
    )
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False)

    class Meta:
        abstract = True


class MinuteSums(models.Model):
    """Sums over the samples RECEIVED in one minute, and the time that they tell of."""

    minute = models.DateTimeField()
    requests = models.BigIntegerField()
    errors = models.BigIntegerField()
    critical_errors = models.BigIntegerField()
    integrity_errors = models.BigIntegerField()
    first_start_at = models.DateTimeField()
    last_ends_at = models.DateTimeField()
    last_received_at = models.DateTimeField()

    class Meta:
        abstract = True


class SpreadSums(models.Model):
    """Errors as they come in clumps.

    `spread_errors`: tills' minutes with an error; `spread_requests`: the requests that went well before
    the first error of each till's minute, were its errors spread evenly.
    """

    spread_requests = models.FloatField()
    spread_errors = models.IntegerField()

    class Meta:
        abstract = True


class TillMinute(RolledUp, MinuteSums):
    """One till's minute; kept two days, since a site's is derived from it."""

    till = models.CharField(max_length=100, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="health_till_minute_once",
                fields=["environment", "minute", "site", "flag", "till"],
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.till} {self.minute:%H:%M}"


class SiteMinute(RolledUp, MinuteSums, SpreadSums):
    """One site's minute: the sum of its tills' minutes."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="health_site_minute_once",
                fields=["environment", "flag", "minute", "site"],
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.site_id} {self.minute:%H:%M}"


class FlagMinute(MinuteSums, SpreadSums):
    """One flag's minute at all sites: the sum of its sites' minutes, so that reading it costs the same for a thousand.

    Of no flag there is none: those are read of some sites only.
    """

    environment = models.ForeignKey(
        Environment, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    flag = models.ForeignKey(Flag, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="health_flag_minute_once", fields=["environment", "flag", "minute"])
        ]

    def __str__(self) -> str:
        return f"{self.flag_id} {self.minute:%H:%M}"


class LatencySums(RolledUp):
    """How long a named transaction took: the bins of `domain.histogram` that hold something, and how much."""

    transaction = models.CharField(max_length=100, blank=True)
    requests = models.BigIntegerField()
    bins = ArrayField(models.SmallIntegerField())
    counts = ArrayField(models.FloatField())

    class Meta:
        abstract = True


class LatencyMinute(LatencySums):
    """Latency of the samples received in one minute."""

    minute = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="health_latency_minute_once",
                fields=["environment", "flag", "minute", "site", "transaction"],
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.transaction} {self.minute:%H:%M}"


class LatencyHour(LatencySums):
    """The same by the hour, kept for as long as baselines look back."""

    hour = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="health_latency_hour_once",
                fields=["environment", "flag", "hour", "site", "transaction"],
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.transaction} {self.hour:%H}"
