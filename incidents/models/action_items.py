"""What is done so that it does not happen again."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.history import track
from incidents.domain.measuring import MeasureState
from incidents.models.post_mortems import PostMortem


class ActionKind(models.TextChoices):
    DOCUMENTATION = "documentation", _("documentation update")
    PREVENTIVE = "preventive", _("preventive measure")
    DETECTION = "detection", _("better detection")


class ActionItem(models.Model):
    """What is to be done so that it does not happen again; verified by somebody else.

    `verifier` is who is asked to look, where somebody was named; `checked` is what whoever looked found.
    """

    post_mortem = models.ForeignKey(PostMortem, on_delete=models.PROTECT, related_name="action_items")
    kind = models.CharField(max_length=15, choices=ActionKind.choices)
    title = models.CharField(max_length=300)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    verifier = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    due_on = models.DateField()
    status = models.CharField(
        max_length=10,
        choices=[(str(s), str(s)) for s in MeasureState],
        default=MeasureState.OPEN,
        db_default=str(MeasureState.OPEN),
    )
    proof = models.TextField(blank=True, default="", db_default="")
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    checked = models.TextField(blank=True, default="", db_default="")
    verified_at = models.DateTimeField(null=True, blank=True)
    verified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    dropped_at = models.DateTimeField(null=True, blank=True)
    drop_reason = models.TextField(blank=True, default="", db_default="")

    history = track()

    class Meta:
        ordering = ["due_on", "pk"]
        constraints = [
            models.CheckConstraint(name="incidents_measure_kind_known", condition=Q(kind__in=ActionKind.values)),
            models.CheckConstraint(name="incidents_measure_titled", condition=~Q(title="")),
            models.CheckConstraint(
                name="incidents_measure_state_known", condition=Q(status__in=[str(s) for s in MeasureState])
            ),
            models.CheckConstraint(
                name="incidents_measure_done_with_proof",
                condition=Q(~Q(proof=""), status__in=["done", "verified"], done_at__isnull=False, done_by__isnull=False)
                | (~Q(status__in=["done", "verified"]) & Q(done_at__isnull=True, done_by__isnull=True, proof="")),
            ),
            models.CheckConstraint(
                name="incidents_measure_verified_by_another",
                condition=Q(
                    ~Q(checked=""),
                    ~Q(verified_by=F("owner")),
                    ~Q(verified_by=F("done_by")),
                    status="verified",
                    verified_at__isnull=False,
                    verified_by__isnull=False,
                )
                | (~Q(status="verified") & Q(verified_at__isnull=True, verified_by__isnull=True, checked="")),
            ),
            models.CheckConstraint(
                name="incidents_measure_dropped_with_reason",
                condition=Q(~Q(drop_reason=""), status="dropped", dropped_at__isnull=False)
                | (~Q(status="dropped") & Q(dropped_at__isnull=True, drop_reason="")),
            ),
            models.CheckConstraint(
                name="incidents_measure_verifier_another",
                condition=Q(verifier__isnull=True) | ~Q(verifier=F("owner")),
            ),
        ]
        indexes = [
            models.Index(
                name="incidents_measures_pending", fields=["due_on", "id"], condition=Q(status__in=["open", "done"])
            ),
            models.Index(name="incidents_measures_by_date", fields=["due_on", "id"]),
        ]

    def __str__(self) -> str:
        return self.title
