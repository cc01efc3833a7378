"""What was said: each version of an announcement, and how far each outlet is with it."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from announcements.domain.lifecycle import Act, RunState
from announcements.models.announcements import LONGEST_NOTE, Announcement

#: A filled title may be longer than the one that was typed.
LONGEST_FILLED_TITLE = 300


class AnnouncementVersion(models.Model):
    """One word that went out, as it was read, and at which sites. Append-only: what was said stays readable.

    Later ones put it right or take it back; `note_*` say what was wrong. `by_label` confirmed it.
    """

    append_only = True

    announcement = models.ForeignKey(Announcement, on_delete=models.PROTECT, related_name="versions", db_index=False)
    number = models.PositiveSmallIntegerField()
    act = models.CharField(max_length=12, choices=[(str(one), str(one)) for one in Act])
    title_fr = models.CharField(max_length=LONGEST_FILLED_TITLE, blank=True)
    body_fr = models.TextField(blank=True)
    title_en = models.CharField(max_length=LONGEST_FILLED_TITLE, blank=True)
    body_en = models.TextField(blank=True)
    note_fr = models.CharField(max_length=LONGEST_NOTE, blank=True)
    note_en = models.CharField(max_length=LONGEST_NOTE, blank=True)
    one_language_reason = models.CharField(max_length=300, blank=True)
    hotline = models.CharField(max_length=60, blank=True)
    outlets = ArrayField(models.CharField(max_length=30))
    roles = ArrayField(models.CharField(max_length=30), blank=True)
    site_keys = ArrayField(models.CharField(max_length=100), blank=True)
    is_everywhere = models.BooleanField()
    tills = models.PositiveIntegerField()
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    next_update_at = models.DateTimeField(null=True, blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    by_label = models.CharField(max_length=200)
    reason = models.TextField()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(name="announcements_version_once", fields=["announcement", "number"]),
            models.CheckConstraint(name="announcements_version_act_known", condition=Q(act__in=[str(a) for a in Act])),
            models.CheckConstraint(
                name="announcements_version_said",
                condition=(~Q(title_fr="") & ~Q(body_fr="")) | (~Q(title_en="") & ~Q(body_en="")),
            ),
            models.CheckConstraint(
                name="announcements_version_says_what_was_wrong",
                condition=Q(act="first", number=1, note_fr="", note_en="")
                | (~Q(act="first") & Q(number__gt=1) & (~Q(note_fr="") | ~Q(note_en=""))),
            ),
            models.CheckConstraint(name="announcements_version_says_why", condition=~Q(reason="")),
            models.CheckConstraint(name="announcements_version_somewhere", condition=Q(outlets__len__gte=1)),
        ]

    def __str__(self) -> str:
        return f"{self.announcement_id}: {self.number}"


class OutletRun(models.Model):
    """How far an outlet is with a version. Untracked machine state: `done` commits with what the outlet wrote.

    `reached` people and tills; `url`: a page of the portal that shows it; `failure` is a refusal's code, where trying
    again cannot help.
    """

    version = models.ForeignKey(AnnouncementVersion, on_delete=models.PROTECT, related_name="runs", db_index=False)
    outlet = models.CharField(max_length=30)
    status = models.CharField(
        max_length=10, choices=[(str(one), str(one)) for one in RunState], default=str(RunState.PENDING)
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    failure = models.CharField(max_length=60, blank=True)
    last_error = models.TextField(blank=True)
    reached = models.PositiveIntegerField(default=0)
    url = models.CharField(max_length=300, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["version", "pk"]
        constraints = [
            models.UniqueConstraint(name="announcements_outlet_once", fields=["version", "outlet"]),
            models.CheckConstraint(
                name="announcements_run_status_known", condition=Q(status__in=[str(s) for s in RunState])
            ),
            models.CheckConstraint(
                name="announcements_run_leads_within",
                condition=Q(url="") | (Q(url__startswith="/") & ~Q(url__startswith="//")),
            ),
            models.CheckConstraint(
                name="announcements_run_done_when",
                condition=Q(status="done", done_at__isnull=False) | (~Q(status="done") & Q(done_at__isnull=True)),
            ),
        ]
        indexes = [
            models.Index(name="announcements_run_due", fields=["next_attempt_at"], condition=Q(status="pending")),
        ]

    def __str__(self) -> str:
        return f"{self.version_id}: {self.outlet}"


class UpdateReminder(models.Model):
    """That somebody was reminded of an update people wait for: once for each moment it was promised. Append-only."""

    append_only = True

    announcement = models.ForeignKey(Announcement, on_delete=models.PROTECT, related_name="reminders", db_index=False)
    due_at = models.DateTimeField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="announcements_reminded_once", fields=["announcement", "due_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.announcement_id}: {self.due_at}"
