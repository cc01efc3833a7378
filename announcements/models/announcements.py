"""Announcements: drafts that become something said."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from announcements.domain.kinds import Kind
from announcements.domain.lifecycle import CONFIRMED, SAID, Places, Status
from core.history import track
from flags.models import Environment, Flag
from incidents.models import Incident
from rollouts.models import Rollout

LONGEST_TITLE = 150
LONGEST_BODY = 1_800
LONGEST_NOTE = 500

_WHOLE_FR = ~Q(title_fr="") & ~Q(body_fr="")
_WHOLE_EN = ~Q(title_en="") & ~Q(body_en="")


class Announcement(models.Model):
    """What people are told, in French and English, by which outlets, at which sites and to which roles.

    Words keep their places (`{release}`) until they are said; `versions` hold what was said. `follows` is the one
    that this one says more about. `publish_at`: when it is due. `next_update_at`: when people were promised more.
    """

    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="announcements")
    kind = models.CharField(max_length=30, choices=[(str(one), str(one)) for one in Kind])
    status = models.CharField(
        max_length=12, choices=[(str(one), str(one)) for one in Status], default=str(Status.DRAFT)
    )
    rollout = models.ForeignKey(Rollout, on_delete=models.PROTECT, null=True, blank=True, related_name="announcements")
    incident = models.ForeignKey(
        Incident, on_delete=models.PROTECT, null=True, blank=True, related_name="announcements"
    )
    follows = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="followers")
    title_fr = models.CharField(max_length=LONGEST_TITLE, blank=True)
    body_fr = models.TextField(blank=True)
    title_en = models.CharField(max_length=LONGEST_TITLE, blank=True)
    body_en = models.TextField(blank=True)
    one_language_reason = models.CharField(max_length=300, blank=True)
    outlets = ArrayField(models.CharField(max_length=30), default=list, blank=True)
    roles = ArrayField(models.CharField(max_length=30), default=list, blank=True)
    places = models.CharField(
        max_length=12, choices=[(str(one), str(one)) for one in Places], default=str(Places.EVERYWHERE)
    )
    site_keys = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    flag = models.ForeignKey(Flag, on_delete=models.PROTECT, null=True, blank=True, related_name="announcements")
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    next_update_at = models.DateTimeField(null=True, blank=True)
    publish_at = models.DateTimeField(null=True, blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField()
    request_id = models.CharField(max_length=100, blank=True)
    request_hash = models.CharField(max_length=64, blank=True)

    history = track()

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(name="announcements_due", fields=["publish_at"], condition=Q(status="scheduled")),
            models.Index(
                name="announcements_promised",
                fields=["next_update_at"],
                condition=Q(status__in=["published", "corrected"], next_update_at__isnull=False),
            ),
            models.Index(name="announcements_by_place", fields=["environment", "-id"]),
        ]
        constraints = [
            models.CheckConstraint(name="announcements_status_known", condition=Q(status__in=[str(s) for s in Status])),
            models.CheckConstraint(name="announcements_kind_known", condition=Q(kind__in=[str(k) for k in Kind])),
            models.CheckConstraint(name="announcements_places_known", condition=Q(places__in=[str(p) for p in Places])),
            models.CheckConstraint(
                name="announcements_scheduled_when",
                condition=Q(status="scheduled", publish_at__isnull=False)
                | (~Q(status="scheduled") & Q(publish_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="announcements_said_in_a_language",
                condition=~Q(status__in=sorted(str(s) for s in CONFIRMED))
                | (_WHOLE_FR & _WHOLE_EN)
                | (~Q(one_language_reason="") & (_WHOLE_FR | _WHOLE_EN)),
            ),
            models.CheckConstraint(
                name="announcements_said_somewhere",
                condition=~Q(status__in=sorted(str(s) for s in CONFIRMED)) | Q(outlets__len__gte=1),
            ),
            models.CheckConstraint(
                name="announcements_at_which_sites",
                condition=Q(places="flag", flag__isnull=False, site_keys__len=0)
                | Q(places="sites", flag__isnull=True)
                | Q(places__in=["everywhere", "nowhere"], flag__isnull=True, site_keys__len=0),
            ),
            models.CheckConstraint(
                name="announcements_window_forward",
                condition=Q(starts_at__isnull=True) | Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
            ),
            models.CheckConstraint(
                name="announcements_follow_another", condition=Q(follows__isnull=True) | ~Q(follows=F("id"))
            ),
            models.UniqueConstraint(
                name="announcements_request_once", fields=["environment", "request_id"], condition=~Q(request_id="")
            ),
        ]

    def __str__(self) -> str:
        return self.title_fr or self.title_en or f"#{self.pk}"

    @property
    def is_exercise(self) -> bool:
        """Whether it is about an exercise: nothing of one reaches the public."""
        incident, rollout = self.incident, self.rollout
        return bool((incident and incident.is_rehearsal) or (rollout and rollout.is_rehearsal))

    @property
    def is_said(self) -> bool:
        return self.status in SAID
