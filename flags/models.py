"""Environments, sites, people and the flags served to them.

Tables marked untracked hold counters and machine state; everything else has history.
"""

from datetime import date, timedelta

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.history import track
from flags.domain.audience import RuleKind
from flags.domain.opening import DayKind, ExceptionalDays
from flags.domain.purposes import Purpose

KEY_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
check_key = RegexValidator(KEY_PATTERN, _("Letters, digits, dot, dash and underscore; at most 100 characters."))


class Criticality(models.TextChoices):
    CRITICAL = "critical", _("critical")
    IMPORTANT = "important", _("important")
    MINOR = "minor", _("minor")


class Environment(models.Model):
    key = models.CharField(max_length=100, unique=True, validators=[check_key])
    name = models.CharField(max_length=100)
    position = models.PositiveSmallIntegerField(default=0)
    is_production = models.BooleanField(default=False)
    requires_approval = models.BooleanField(default=False)
    allowed_origins = ArrayField(models.CharField(max_length=200), default=list, blank=True)

    history = track()

    class Meta:
        ordering = ["position", "key"]

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


class Segment(models.Model):
    key = models.CharField(max_length=100, unique=True, validators=[check_key])
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True)

    history = track()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class SegmentMember(models.Model):
    """A person of a segment, under the pseudonymous targeting key the tills send."""

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="members")
    targeting_key = models.CharField(max_length=200)
    label = models.CharField(max_length=100, blank=True)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    history = track()

    class Meta:
        ordering = ["segment", "targeting_key"]
        constraints = [
            models.UniqueConstraint(name="flags_member_once", fields=["segment", "targeting_key"]),
            models.CheckConstraint(name="flags_member_named", condition=~Q(targeting_key="")),
        ]

    def __str__(self) -> str:
        return self.label or self.targeting_key


def _has_variant(column: str) -> models.Func:
    return models.Func(
        models.F("variants"), models.F(column), function="jsonb_exists", output_field=models.BooleanField()
    )


class Flag(models.Model):
    """A feature flag; `variants` maps a variant's name to its value."""

    key = models.CharField(max_length=100, unique=True, validators=[check_key])
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    variants = models.JSONField()
    default_variant = models.CharField(max_length=100)
    off_variant = models.CharField(max_length=100)
    owner = models.CharField(max_length=100, blank=True)
    cashier_note_fr = models.TextField(blank=True)
    documentation_url = models.URLField(blank=True)
    criticality = models.CharField(max_length=10, choices=Criticality.choices, default=Criticality.IMPORTANT)
    expires_on = models.DateField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    history = track()

    class Meta:
        ordering = ["key"]
        constraints = [
            models.CheckConstraint(
                name="flags_flag_criticality_known", condition=Q(criticality__in=Criticality.values)
            ),
            models.CheckConstraint(
                name="flags_flag_served_variants_exist",
                condition=Q(_has_variant("default_variant")) & Q(_has_variant("off_variant")),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class FlagState(models.Model):
    """One flag in one environment. The kill switch stands while `killed_at` is set."""

    flag = models.ForeignKey(Flag, on_delete=models.CASCADE, related_name="states")
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="states")
    is_on = models.BooleanField(default=False)
    killed_at = models.DateTimeField(null=True, blank=True)
    kill_reason = models.TextField(blank=True)

    history = track()

    class Meta:
        ordering = ["flag", "environment"]
        constraints = [
            models.UniqueConstraint(name="flags_state_once", fields=["flag", "environment"]),
            models.CheckConstraint(
                name="flags_state_kill_explained",
                condition=Q(killed_at__isnull=True, kill_reason="") | (Q(killed_at__isnull=False) & ~Q(kill_reason="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.flag_id}@{self.environment_id}"

    @property
    def is_killed(self) -> bool:
        return self.killed_at is not None


class Rule(models.Model):
    """One targeting rule of a state; the first that fits, by position, decides.

    `phase` (of a rollout) goes into the evaluation's metadata; `origin` names who laid the rule,
    e.g. `rollout:12:1`, and is empty for a person's own.
    """

    state = models.ForeignKey(FlagState, on_delete=models.CASCADE, related_name="rules")
    position = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=[(kind.value, kind.value) for kind in RuleKind])
    segment = models.ForeignKey(Segment, on_delete=models.PROTECT, null=True, blank=True, related_name="rules")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, null=True, blank=True, related_name="rules")
    variant = models.CharField(max_length=100)
    phase = models.CharField(max_length=20, blank=True)
    origin = models.CharField(max_length=100, blank=True)
    since = models.DateTimeField()

    history = track()

    class Meta:
        ordering = ["state", "position"]
        constraints = [
            models.UniqueConstraint(
                name="flags_rule_position_once",
                fields=["state", "position"],
                deferrable=models.Deferrable.DEFERRED,
            ),
            models.CheckConstraint(
                name="flags_rule_audience_whole",
                condition=Q(kind="everyone", segment__isnull=True, site__isnull=True)
                | Q(kind="segment", segment__isnull=False, site__isnull=True)
                | Q(kind="site", segment__isnull=True, site__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} → {self.variant}"


class ApiToken(models.Model):
    """A program's key to one environment for one purpose; only its SHA-256 is stored."""

    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="tokens")
    purpose = models.CharField(max_length=10, choices=[(purpose.value, purpose.value) for purpose in Purpose])
    name = models.CharField(max_length=100)
    token_hash = models.CharField(max_length=64, unique=True)
    prefix = models.CharField(max_length=16)
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    history = track(excluded_fields=["token_hash"])

    class Meta:
        ordering = ["environment", "purpose", "name"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class TokenUse(models.Model):
    """When a token was last used. Untracked."""

    token = models.OneToOneField(ApiToken, on_delete=models.CASCADE, primary_key=True, related_name="use")
    last_used_at = models.DateTimeField()


class EnvironmentRevision(models.Model):
    """The revision clients see: raised by trigger at commit, never lowered. Untracked."""

    environment = models.OneToOneField(Environment, on_delete=models.CASCADE, primary_key=True, related_name="counter")
    revision = models.BigIntegerField()
    changed_at = models.DateTimeField()


class PendingChange(models.Model):
    """Environments touched by a transaction that has not committed; empty in between. Untracked."""

    transaction = models.CharField(max_length=32)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(name="flags_pending_once", fields=["transaction", "environment"])]


class PendingState(models.Model):
    """Flag states touched by a transaction that has not committed; empty in between. Untracked."""

    transaction = models.CharField(max_length=32)
    state_id = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(name="flags_pending_state_once", fields=["transaction", "state_id"])]


class StateRevision(models.Model):
    """The revision with which a flag's state or rules last changed: set by trigger at commit. Untracked.

    It goes with its state, by trigger too.
    """

    state = models.OneToOneField(FlagState, on_delete=models.DO_NOTHING, primary_key=True, related_name="counter")
    revision = models.BigIntegerField()
    changed_at = models.DateTimeField()


class TillContact(models.Model):
    """A till's last fetch in an environment, and the revision it got. Untracked."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="+")
    till = models.ForeignKey(Till, on_delete=models.CASCADE, related_name="contacts")
    revision = models.BigIntegerField()
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(name="flags_contact_once", fields=["environment", "till"])]
