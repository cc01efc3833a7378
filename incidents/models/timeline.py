"""What happened in an incident, line by line."""

from django.db import models
from django.db.models import Q

from flags.models import Picture
from incidents.domain.board import BOARD_CODES
from incidents.models.incidents import Incident


class TimelineEntry(models.Model):
    """One line of the timeline: a code with data, or a person's note. Append-only.

    Whoever writes one holds the incident's lock, so that a later number of the same incident is never seen first.
    `source` names what an automatic line was gathered from (incidents.gathering); `corrects` the note that a
    following one puts right.
    """

    append_only = True

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="timeline", db_index=False)
    at = models.DateTimeField()
    code = models.CharField(max_length=40)
    data = models.JSONField(default=dict)
    note = models.TextField(blank=True)
    actor_label = models.CharField(max_length=200)
    source = models.CharField(max_length=80, blank=True, default="", db_default="")
    corrects = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="corrections", db_index=False
    )
    picture = models.ForeignKey(
        Picture, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    picture_alt = models.CharField(max_length=300, blank=True, default="", db_default="")

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                name="incidents_entry_once", fields=["incident", "source"], condition=~Q(source="")
            ),
            models.CheckConstraint(
                name="incidents_entry_picture_told", condition=Q(picture__isnull=True) | ~Q(picture_alt="")
            ),
            models.CheckConstraint(
                name="incidents_entry_note_corrects", condition=Q(corrects__isnull=True) | Q(code="note")
            ),
        ]
        indexes = [
            models.Index(name="incidents_entry_newest", fields=["incident", "-at", "-id"]),
            models.Index(name="incidents_entry_number", fields=["incident", "id"]),
            models.Index(
                name="incidents_entry_board", fields=["incident", "id"], condition=Q(code__in=list(BOARD_CODES))
            ),
            models.Index(name="incidents_entry_corrects", fields=["corrects"], condition=Q(corrects__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.incident_id}: {self.code}"
