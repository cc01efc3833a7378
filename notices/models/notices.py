"""What the tills tell their cashiers until somebody takes it away."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from core.history import track
from flags.models import Environment, Flag, Site
from notices.domain.levels import Level, Standing

LONGEST_TITLE = 120
LONGEST_TEXT = 1_000
LONGEST_HOTLINE = 40
LONGEST_SOURCE = 120


class Notice(models.Model):
    """A notice in [starts_at, ends_at), in French, in English or in both. Its words stay as they were shown.

    Put right, another stands in its place (`superseded_by`): who put the first one away reads the second. `source`
    says what it was made from, `announcement:12`; it stands once.
    """

    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="notices")
    level = models.CharField(max_length=10, choices=[(str(one), str(one)) for one in Level])
    title_fr = models.CharField(max_length=LONGEST_TITLE, blank=True)
    text_fr = models.TextField(blank=True)
    title_en = models.CharField(max_length=LONGEST_TITLE, blank=True)
    text_en = models.TextField(blank=True)
    hotline = models.CharField(max_length=LONGEST_HOTLINE, blank=True)
    next_update_at = models.DateTimeField(null=True, blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    source = models.CharField(max_length=LONGEST_SOURCE, blank=True)
    written_at = models.DateTimeField()
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    superseded_by = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="supersedes"
    )
    taken_away_at = models.DateTimeField(null=True, blank=True)

    history = track()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(name="notices_level_known", condition=Q(level__in=[str(one) for one in Level])),
            models.CheckConstraint(name="notices_said", condition=~Q(title_fr="") | ~Q(title_en="")),
            models.CheckConstraint(
                name="notices_french_whole",
                condition=Q(title_fr="", text_fr="") | (~Q(title_fr="") & ~Q(text_fr="")),
            ),
            models.CheckConstraint(
                name="notices_english_whole",
                condition=Q(title_en="", text_en="") | (~Q(title_en="") & ~Q(text_en="")),
            ),
            models.CheckConstraint(
                name="notices_ends_later", condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at"))
            ),
            models.CheckConstraint(
                name="notices_promises_ahead",
                condition=Q(next_update_at__isnull=True) | Q(next_update_at__gt=F("starts_at")),
            ),
            models.CheckConstraint(
                name="notices_gone_once", condition=Q(taken_away_at__isnull=True) | Q(superseded_by__isnull=True)
            ),
            models.CheckConstraint(
                name="notices_supersedes_another",
                condition=Q(superseded_by__isnull=True) | ~Q(superseded_by=F("id")),
            ),
            models.UniqueConstraint(
                name="notices_source_once",
                fields=["environment", "source"],
                condition=~Q(source="") & Q(superseded_by__isnull=True, taken_away_at__isnull=True),
            ),
        ]
        indexes = [
            models.Index(
                name="notices_standing",
                fields=["environment", "starts_at"],
                condition=Q(superseded_by__isnull=True, taken_away_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.title_fr or self.title_en

    def find_standing(self, now: datetime) -> Standing:
        """Return where it stands at a moment."""
        if self.superseded_by_id is not None:
            return Standing.CORRECTED
        if self.taken_away_at is not None:
            return Standing.TAKEN_AWAY
        if now < self.starts_at:
            return Standing.SCHEDULED
        return Standing.PAST if self.ends_at is not None and self.ends_at <= now else Standing.CURRENT


class NoticeSite(models.Model):
    """A site whose tills show a notice; without one, all do."""

    notice = models.ForeignKey(Notice, on_delete=models.PROTECT, related_name="notice_sites")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")

    history = track()

    class Meta:
        ordering = ["notice", "site"]
        constraints = [models.UniqueConstraint(name="notices_site_once", fields=["notice", "site"])]

    def __str__(self) -> str:
        return f"{self.notice_id}: {self.site_id}"


class NoticeFlag(models.Model):
    """A flag whose tills show a notice; without one, all do."""

    notice = models.ForeignKey(Notice, on_delete=models.PROTECT, related_name="notice_flags")
    flag = models.ForeignKey(Flag, on_delete=models.PROTECT, related_name="+")

    history = track()

    class Meta:
        ordering = ["notice", "flag"]
        constraints = [models.UniqueConstraint(name="notices_flag_once", fields=["notice", "flag"])]

    def __str__(self) -> str:
        return f"{self.notice_id}: {self.flag_id}"
