"""Which complaints belong to an incident."""

from django.conf import settings
from django.db import models

from core.history import track
from health.models import Complaint
from incidents.models.incidents import Incident


class LinkedComplaint(models.Model):
    """A complaint that belongs to an incident; no one who linked it where a program did."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="linked_complaints")
    complaint = models.ForeignKey(Complaint, on_delete=models.PROTECT, related_name="incident_links")
    linked_at = models.DateTimeField()
    linked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    history = track()

    class Meta:
        ordering = ["-complaint_id"]
        constraints = [
            models.UniqueConstraint(name="incidents_complaint_once", fields=["incident", "complaint"]),
        ]

    def __str__(self) -> str:
        return f"#{self.incident_id}: #{self.complaint_id}"
