"""Flags, their states by environment, and the rules of a state."""

from functools import reduce
from operator import or_

from django.db import models
from django.db.models import Q
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from core.history import track
from flags.domain.audience import RuleKind
from flags.domain.bucketing import TOTAL_BP
from flags.domain.conditions import Condition, parse_conditions
from flags.domain.definition import Split
from flags.domain.values import ValueType, normalise_variants
from flags.models.jsonb import has_key, is_json
from flags.models.keys import check_key
from flags.models.people import Segment
from flags.models.places import Environment, Site


class Criticality(models.TextChoices):
    CRITICAL = "critical", _("critical")
    IMPORTANT = "important", _("important")
    MINOR = "minor", _("minor")


#: Each type's JSON path that says that all variants are of it.
_TYPED_VARIANTS = {
    "boolean": '$.type() == "object" && !exists($.* ? (@.type() != "boolean"))',
    "string": '$.type() == "object" && !exists($.* ? (@.type() != "string"))',
    "integer": '$.type() == "object" && !exists($.* ? (@.type() != "number" || @ % 1 != 0))',
    "float": '$.type() == "object" && !exists($.* ? (@.type() != "number"))',
    "object": '$.type() == "object" && !exists($.* ? (@.type() != "object"))',
}


class Flag(models.Model):
    """A feature flag; `variants` maps a variant's name to its value, all of the one type.

    `is_permanent` is one that is kept on purpose, e.g. to switch a feature off in trouble.
    """

    key = models.CharField(max_length=100, unique=True, validators=[check_key])
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    value_type = models.CharField(
        max_length=10,
        choices=[(kind.value, kind.value) for kind in ValueType],
        default=ValueType.BOOLEAN.value,
        db_default=ValueType.BOOLEAN.value,
    )
    variants = models.JSONField()
    default_variant = models.CharField(max_length=100)
    off_variant = models.CharField(max_length=100)
    owner = models.CharField(max_length=100, blank=True)
    cashier_note_fr = models.TextField(blank=True)
    note_picture = models.ForeignKey("flags.Picture", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    documentation_url = models.URLField(blank=True)
    criticality = models.CharField(max_length=10, choices=Criticality.choices, default=Criticality.IMPORTANT)
    expires_on = models.DateField(null=True, blank=True)
    is_permanent = models.BooleanField(default=False, db_default=False)
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
                condition=Q(has_key("variants", "default_variant")) & Q(has_key("variants", "off_variant")),
            ),
            models.CheckConstraint(
                name="flags_flag_permanent_stays", condition=Q(is_permanent=False) | Q(expires_on__isnull=True)
            ),
            models.CheckConstraint(
                name="flags_flag_variants_typed",
                condition=reduce(
                    or_, (Q(is_json("variants", path), value_type=kind) for kind, path in _TYPED_VARIANTS.items())
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def values(self) -> dict[str, object]:
        """Its variants with values exactly of their type, which jsonb does not keep."""
        return normalise_variants(self.variants, value_type=ValueType(self.value_type))


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


#: `flags_split_total` is a function of the migration that added splits.
_SPLIT_TOTAL_BP = Exact(
    models.Func(models.F("split"), function="flags_split_total", output_field=models.IntegerField()), TOTAL_BP
)


class Rule(models.Model):
    """One targeting rule of a state; the first that fits, by position, decides.

    It gives `variant`, or one of `split` by bucket: a list of [variant, weight in basis points].
    `phase` (of a rollout) goes into the evaluation's metadata; `origin` names who laid the rule,
    e.g. `rollout:12:1`, and is empty for a person's own.
    """

    state = models.ForeignKey(FlagState, on_delete=models.CASCADE, related_name="rules")
    position = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=[(kind.value, kind.value) for kind in RuleKind])
    segment = models.ForeignKey(Segment, on_delete=models.PROTECT, null=True, blank=True, related_name="rules")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, null=True, blank=True, related_name="rules")
    conditions = models.JSONField(default=list, db_default=[], blank=True)
    variant = models.CharField(max_length=100, blank=True)
    split = models.JSONField(default=list, db_default=[], blank=True)
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
                condition=Q(kind="everyone", segment__isnull=True, site__isnull=True, conditions=[])
                | Q(kind="segment", segment__isnull=False, site__isnull=True, conditions=[])
                | Q(kind="site", segment__isnull=True, site__isnull=False, conditions=[])
                | Q(
                    is_json("conditions", '$.type() == "array" && $.size() > 0'),
                    kind="conditions",
                    segment__isnull=True,
                    site__isnull=True,
                ),
            ),
            models.CheckConstraint(
                name="flags_rule_gift_whole",
                condition=(Q(split=[]) & ~Q(variant="")) | Q(_SPLIT_TOTAL_BP, variant=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} → {self.variant or self.split}"

    @property
    def asked(self) -> tuple[Condition, ...]:
        """Its conditions as values."""
        return parse_conditions(self.conditions)

    @property
    def pieces(self) -> Split:
        """Its split as a value, empty where it gives one variant."""
        return tuple((name, weight) for name, weight in self.split)
