"""Who is to be called back since what they complained of is over."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.history import track
from flags.models import Environment, Site
from health.models import Complaint
from incidents.domain.calling_back import OPEN, CallState
from incidents.models.incidents import Incident
from rollouts.models import Rollback

MAX_NOTE_CHARACTERS = 300
OPEN_VALUES = [str(state) for state in OPEN]


class CallBack(models.Model):
    """A call that is due to who complained. Name and words stay with the complaint, where they have a retention.

    Site and environment are the complaint's, kept here so that the open ones of a site are one index. `note` is why no
    call is needed, or what the next one who tries should know.
    """

    complaint = models.ForeignKey(Complaint, on_delete=models.PROTECT, related_name="call_backs", db_index=False)
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+", db_index=False)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=12, choices=[(str(s), str(s)) for s in CallState], default=str(CallState.DUE))
    due_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    tried_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    note = models.CharField(max_length=MAX_NOTE_CHARACTERS, blank=True)

    history = track()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="incidents_call_state_known", condition=Q(state__in=[str(s) for s in CallState])
            ),
            models.CheckConstraint(
                name="incidents_call_settled_when",
                condition=Q(state__in=OPEN_VALUES, settled_at__isnull=True, settled_by__isnull=True)
                | (~Q(state__in=OPEN_VALUES) & Q(settled_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="incidents_call_needless_says_why",
                condition=~Q(state="not_needed") | ~Q(note=""),
            ),
            models.CheckConstraint(
                name="incidents_call_tried_when",
                condition=Q(tries=0, tried_at__isnull=True) | Q(tries__gt=0, tried_at__isnull=False),
            ),
            models.CheckConstraint(
                name="incidents_call_not_reached_is_tried", condition=~Q(state="not_reached") | Q(tries__gt=0)
            ),
            models.UniqueConstraint(
                name="incidents_one_open_call", fields=["complaint"], condition=Q(state__in=OPEN_VALUES)
            ),
        ]
        indexes = [
            models.Index(name="incidents_calls_of_complaint", fields=["complaint", "-id"]),
            models.Index(name="incidents_calls_open", fields=["site", "id"], condition=Q(state__in=OPEN_VALUES)),
            models.Index(name="incidents_calls_settled", fields=["-settled_at"], condition=Q(settled_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"#{self.complaint_id}: {self.state}"


class CallBackCause(models.Model):
    """What a call is due by: a rollback of flags, or an incident restored at a moment. Once for a complaint. Untracked.

    The keys keep two workers from making two calls of one event.
    """

    call_back = models.ForeignKey(CallBack, on_delete=models.PROTECT, related_name="causes")
    complaint = models.ForeignKey(Complaint, on_delete=models.PROTECT, related_name="+", db_index=False)
    rollback = models.ForeignKey(Rollback, on_delete=models.PROTECT, null=True, related_name="call_back_causes")
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, null=True, related_name="call_back_causes")
    at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="incidents_cause_is_one",
                condition=Q(rollback__isnull=False, incident__isnull=True)
                | Q(rollback__isnull=True, incident__isnull=False),
            ),
            models.UniqueConstraint(
                name="incidents_cause_rollback_once",
                fields=["complaint", "rollback"],
                condition=Q(rollback__isnull=False),
            ),
            models.UniqueConstraint(
                name="incidents_cause_restored_once",
                fields=["complaint", "incident", "at"],
                condition=Q(incident__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.call_back_id}: {self.at}"


class CallBackClaim(models.Model):
    """A rollback whose complainants have been looked up. Untracked."""

    rollback = models.OneToOneField(
        Rollback, on_delete=models.PROTECT, primary_key=True, related_name="call_back_claim"
    )
    claimed_at = models.DateTimeField()
