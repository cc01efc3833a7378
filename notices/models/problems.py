"""Where problems come from: the links of sites, and what stood around a complaint."""

from django.db import models
from django.db.models import F, Q

from core.history import track
from flags.models import ApiToken, Environment, Site
from health.models import Complaint
from notices.domain.problems import MAX_KEY_CHARACTERS, MAX_TILL_CHARACTERS, Origin


class ProblemLink(models.Model):
    """A site's address at which people without an account say what does not work (ADR 0058).

    The address is the row's number, signed: nothing secret is stored, and a row revoked opens nothing.
    """

    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="problem_links")
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    history = track()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                name="notices_link_once", fields=["environment", "site"], condition=Q(revoked_at__isnull=True)
            ),
            models.CheckConstraint(
                name="notices_link_revoked_later",
                condition=Q(revoked_at__isnull=True) | Q(revoked_at__gte=F("created_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.site_id} ({self.environment_id})"


class ProblemReport(models.Model):
    """What stood around a complaint from a till or behind a link. Untracked: written once, with its complaint.

    `flags` are those in force as the portal saw it when the report arrived, and what the till said it had:
    `[{"flag": key, "variant": "on", "till": "off"}]`, `till` null where the till said nothing of the flag.
    `occurred_at` is the till's own clock, for a report that waited for the network.
    """

    complaint = models.OneToOneField(Complaint, on_delete=models.PROTECT, related_name="report")
    origin = models.CharField(max_length=10, choices=[(str(one), str(one)) for one in Origin])
    token = models.ForeignKey(ApiToken, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    link = models.ForeignKey(ProblemLink, on_delete=models.PROTECT, null=True, blank=True, related_name="reports")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    till = models.CharField(max_length=MAX_TILL_CHARACTERS, blank=True)
    targeting_key = models.CharField(max_length=MAX_KEY_CHARACTERS, blank=True)
    flags = models.JSONField(default=list)
    occurred_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="notices_report_origin",
                condition=Q(origin="till", token__isnull=False, link__isnull=True)
                | Q(origin="link", token__isnull=True, link__isnull=False),
            ),
        ]
        indexes = [
            models.Index(name="notices_report_token", fields=["token", "site", "-received_at"]),
            models.Index(name="notices_report_link", fields=["link", "-received_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.complaint_id}: {self.origin}"
