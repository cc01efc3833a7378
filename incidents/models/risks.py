"""Which risks an incident raised, or is a case of."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.history import track
from incidents.domain.risk_links import RiskLink
from incidents.models.incidents import Incident
from rollouts.models import Risk


class RiskIncident(models.Model):
    """An incident that a risk was written down after, or one that shows that the risk came true."""

    risk = models.ForeignKey(Risk, on_delete=models.PROTECT, related_name="incident_links")
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="risk_links")
    kind = models.CharField(max_length=10, choices=[(str(kind), str(kind)) for kind in RiskLink])
    linked_at = models.DateTimeField()
    linked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    history = track()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(name="incidents_risk_once", fields=["risk", "incident"]),
            models.CheckConstraint(
                name="incidents_risk_link_known", condition=Q(kind__in=[str(kind) for kind in RiskLink])
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.incident_id}: {self.risk_id}"
