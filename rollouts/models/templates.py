"""Plan templates and their versions."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.history import track
from flags.models.jsonb import is_json
from flags.models.keys import check_key


class PlanTemplate(models.Model):
    """A way of letting releases out, under one key; `number` is its newest version."""

    key = models.CharField(max_length=100, unique=True, validators=[check_key])
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    number = models.PositiveIntegerField(default=1)
    archived_at = models.DateTimeField(null=True, blank=True)

    history = track()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(name="rollouts_template_named", condition=~Q(name="")),
            models.CheckConstraint(name="rollouts_template_numbered", condition=Q(number__gte=1)),
        ]

    def __str__(self) -> str:
        return self.name


class PlanTemplateVersion(models.Model):
    """What a template said once. Append-only: a rollout keeps the version it was made from.

    `phases` is a document of rollouts.domain.template_document.
    """

    append_only = True

    template = models.ForeignKey(PlanTemplate, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    phases = models.JSONField()
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    reason = models.TextField()

    class Meta:
        ordering = ["template", "-number"]
        constraints = [
            models.UniqueConstraint(name="rollouts_template_version_once", fields=["template", "number"]),
            models.CheckConstraint(
                name="rollouts_template_has_phases",
                condition=Q(is_json("phases", '$.type() == "array" && $.size() > 0')),
            ),
            models.CheckConstraint(name="rollouts_template_version_says_why", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"{self.template} ({self.number})"
