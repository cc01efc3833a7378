"""Environments, sites with their exceptional days, and tills."""

from datetime import date, timedelta

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.db import models
from django.db.models import Q

from core.history import track
from flags.domain.opening import DayKind, ExceptionalDays
from flags.models.keys import check_key


class Environment(models.Model):
    key = models.CharField(max_length=100, unique=True, validators=[check_key])
    name = models.CharField(max_length=100)
    position = models.PositiveSmallIntegerField(default=0)
    is_production = models.BooleanField(default=False)
    required_approvals = models.PositiveSmallIntegerField(default=0, db_default=0)
    allowed_origins = ArrayField(models.CharField(max_length=200), default=list, blank=True)

    history = track()

    class Meta:
        ordering = ["position", "key"]
        constraints = [
            models.CheckConstraint(name="flags_environment_approvals", condition=Q(required_approvals__lte=5)),
        ]

    def __str__(self) -> str:
        return self.key


def every_day() -> list[int]:
    return [1, 2, 3, 4, 5, 6]


class Site(models.Model):
    """A shop. Weekdays are ISO numbers, Monday 1 … Sunday 7. Its people are business contacts."""

    key = models.CharField(max_length=100, unique=True, validators=[check_key])
    name = models.CharField(max_length=100)
    city = models.CharField(max_length=100)
    time_zone = models.CharField(max_length=64, default="Europe/Paris")
    opening_weekdays = ArrayField(models.PositiveSmallIntegerField(), default=every_day)
    phone = models.CharField(max_length=40, blank=True)
    street = models.CharField(max_length=200, blank=True, default="", db_default="")
    postal_code = models.CharField(max_length=20, blank=True, default="", db_default="")
    opening_hours = models.CharField(max_length=200, blank=True, default="", db_default="")
    contact_name = models.CharField(max_length=100, blank=True, default="", db_default="")
    contact_email = models.EmailField(blank=True, default="", db_default="")
    backup_name = models.CharField(max_length=100, blank=True, default="", db_default="")
    backup_phone = models.CharField(max_length=40, blank=True, default="", db_default="")

    history = track()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="flags_site_weekdays_known",
                condition=Q(opening_weekdays__contained_by=[1, 2, 3, 4, 5, 6, 7]) & Q(opening_weekdays__len__gte=1),
            )
        ]

    def __str__(self) -> str:
        return self.name


class Till(models.Model):
    """A till under its pseudonymous id."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="tills")
    key = models.CharField(max_length=100, unique=True, validators=[check_key])
    name = models.CharField(max_length=100)

    history = track()

    class Meta:
        ordering = ["site", "key"]

    def __str__(self) -> str:
        return self.name


class SiteDay(models.Model):
    """Days [starts_on, ends_on) on which a site is not as usual. Clients see nothing of it."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="days")
    starts_on = models.DateField()
    ends_on = models.DateField()
    kind = models.CharField(max_length=10, choices=[(kind.value, kind.value) for kind in DayKind])
    label = models.CharField(max_length=100)

    history = track()

    class Meta:
        ordering = ["site", "starts_on"]
        constraints = [
            models.CheckConstraint(name="flags_siteday_not_empty", condition=Q(starts_on__lt=models.F("ends_on"))),
            models.CheckConstraint(
                name="flags_siteday_kind_known", condition=Q(kind__in=[kind.value for kind in DayKind])
            ),
            models.CheckConstraint(name="flags_siteday_labelled", condition=~Q(label="")),
            # The site as a range of one number: its equality would need the extension btree_gist.
            ExclusionConstraint(
                name="flags_siteday_no_overlap",
                expressions=[
                    (models.Func("site", "site", models.Value("[]"), function="int8range"), RangeOperators.OVERLAPS),
                    (models.Func("starts_on", "ends_on", function="daterange"), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} {self.starts_on}"

    @property
    def last_on(self) -> date:
        return self.ends_on - timedelta(days=1)

    @property
    def as_value(self) -> ExceptionalDays:
        return ExceptionalDays(self.starts_on, self.ends_on, DayKind(self.kind), self.label)
