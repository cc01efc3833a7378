"""What was learnt of an incident."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from core.history import track
from incidents.domain.reviewing import Stage, Visibility
from incidents.models.incidents import Incident

WHYS = 5


class PostMortem(models.Model):
    """Its texts, its review and its publication.

    `evidence` is what the portal knows of the incident, frozen when the review is asked for; null while it is live.
    `is_wanted`: somebody asked for a whole one of an incident whose tier does not ask. `repeats`: the earlier incident
    with the same root cause, as a person says.
    """

    incident = models.OneToOneField(Incident, on_delete=models.PROTECT, related_name="post_mortem")
    whys = ArrayField(models.TextField(blank=True), size=WHYS, default=list, db_default=[], blank=True)
    root_cause = models.TextField(blank=True)
    impact = models.TextField(blank=True)
    detection = models.TextField(blank=True, default="", db_default="")
    went_well = models.TextField(blank=True, default="", db_default="")
    went_badly = models.TextField(blank=True, default="", db_default="")
    lucky = models.TextField(blank=True, default="", db_default="")
    documentation_updates = models.TextField(blank=True)
    repeats = models.ForeignKey(Incident, on_delete=models.PROTECT, null=True, blank=True, related_name="repeated_by")
    is_wanted = models.BooleanField(default=False, db_default=False)
    status = models.CharField(
        max_length=10, choices=[(str(s), str(s)) for s in Stage], default=Stage.DRAFT, db_default=str(Stage.DRAFT)
    )
    visibility = models.CharField(
        max_length=10,
        choices=[(str(v), str(v)) for v in Visibility],
        default=Visibility.INTERNAL,
        db_default=str(Visibility.INTERNAL),
    )
    public_title = models.CharField(max_length=200, blank=True, default="", db_default="")
    public_text = models.TextField(blank=True, default="", db_default="")
    slug = models.SlugField(max_length=80, null=True, blank=True, unique=True)
    evidence = models.JSONField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    published_at = models.DateTimeField(null=True, blank=True)

    history = track(excluded_fields=["evidence"])

    class Meta:
        constraints = [
            models.CheckConstraint(name="incidents_stage_known", condition=Q(status__in=[str(s) for s in Stage])),
            models.CheckConstraint(
                name="incidents_visibility_known", condition=Q(visibility__in=[str(v) for v in Visibility])
            ),
            models.CheckConstraint(
                name="incidents_submitted_when",
                condition=Q(status="draft", submitted_at__isnull=True, evidence__isnull=True)
                | (~Q(status="draft") & Q(submitted_at__isnull=False, evidence__isnull=False)),
            ),
            models.CheckConstraint(
                name="incidents_approved_by_somebody",
                condition=Q(status__in=["approved", "published"], approved_at__isnull=False, approved_by__isnull=False)
                | (~Q(status__in=["approved", "published"]) & Q(approved_at__isnull=True, approved_by__isnull=True)),
            ),
            models.CheckConstraint(
                name="incidents_published_when",
                condition=Q(status="published", published_at__isnull=False)
                | (~Q(status="published") & Q(published_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="incidents_reviewed_is_whole",
                condition=Q(status="draft")
                | Q(
                    root_cause__regex=r"\S",
                    impact__regex=r"\S",
                    detection__regex=r"\S",
                    went_well__regex=r"\S",
                    went_badly__regex=r"\S",
                    lucky__regex=r"\S",
                ),
            ),
            models.CheckConstraint(
                name="incidents_public_is_told",
                condition=Q(status="draft")
                | Q(visibility="internal")
                | Q(public_title__regex=r"\S", public_text__regex=r"\S"),
            ),
            models.CheckConstraint(
                name="incidents_public_has_address",
                condition=~Q(status="published", visibility="public") | Q(slug__isnull=False),
            ),
            models.CheckConstraint(
                name="incidents_repeats_another", condition=Q(repeats__isnull=True) | ~Q(repeats=F("incident"))
            ),
        ]

    def __str__(self) -> str:
        return f"post-mortem of #{self.incident_id}"


class PostMortemAuthor(models.Model):
    """A person who wrote in a post-mortem, and so cannot review it. Append-only: nobody unwrites. Untracked."""

    append_only = True

    post_mortem = models.ForeignKey(PostMortem, on_delete=models.PROTECT, related_name="authors")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    first_at = models.DateTimeField()

    class Meta:
        ordering = ["first_at", "pk"]
        constraints = [models.UniqueConstraint(name="incidents_author_once", fields=["post_mortem", "user"])]

    def __str__(self) -> str:
        return f"{self.user_id} wrote {self.post_mortem_id}"
