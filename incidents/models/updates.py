"""What the public was told of an incident."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from incidents.domain.words import WordStatus
from incidents.models.incidents import Incident


class IncidentUpdate(models.Model):
    """One public word, in both languages, or in one and why. Append-only: what was said stays said."""

    append_only = True

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="updates", db_index=False)
    status = models.CharField(max_length=15, choices=[(str(s), str(s)) for s in WordStatus])
    text_fr = models.TextField(blank=True)
    text_en = models.TextField(blank=True)
    one_language_reason = models.CharField(max_length=300, blank=True)
    next_at = models.DateTimeField(null=True, blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="incidents_update_status_known", condition=Q(status__in=[str(s) for s in WordStatus])
            ),
            models.CheckConstraint(
                name="incidents_update_said",
                condition=(~Q(text_fr="") & ~Q(text_en=""))
                | (~Q(one_language_reason="") & (~Q(text_fr="") | ~Q(text_en=""))),
            ),
            models.CheckConstraint(
                name="incidents_update_promises_ahead",
                condition=Q(next_at__isnull=True) | (Q(next_at__gt=F("at")) & ~Q(status="resolved")),
            ),
        ]
        indexes = [models.Index(name="incidents_update_newest", fields=["incident", "-id"])]

    def __str__(self) -> str:
        return f"{self.incident_id}: {self.status}"
