"""Segments and the people in them."""

from django.db import models
from django.db.models import Q

from core.history import track
from flags.domain.conditions import Condition, parse_conditions
from flags.models.jsonb import is_json
from flags.models.keys import check_key
from flags.models.places import Site


class Segment(models.Model):
    """People by targeting key, and whoever all its conditions hold for: either makes a member."""

    key = models.CharField(max_length=100, unique=True, validators=[check_key])
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    conditions = models.JSONField(default=list, db_default=[], blank=True)

    history = track()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="flags_segment_conditions_listed", condition=Q(is_json("conditions", '$.type() == "array"'))
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def asked(self) -> tuple[Condition, ...]:
        """Its conditions as values."""
        return parse_conditions(self.conditions)

    @property
    def is_empty(self) -> bool:
        """Whether it can hold for nobody: no people and no conditions. One query where it has no conditions."""
        return not self.conditions and not self.members.exists()


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
