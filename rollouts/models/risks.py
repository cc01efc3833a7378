"""What may go wrong, how grave that is, and when somebody last looked at it for a plan."""

from datetime import date

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from core.history import track
from flags.models import Flag
from rollouts.domain.risks import (
    HIGHEST,
    LOWEST,
    RiskCategory,
    RiskLevel,
    RiskState,
    level_of,
    score_of,
)
from rollouts.models.choices import choices_of
from rollouts.models.releases import Release
from rollouts.models.rollouts import Rollout

LONGEST_TITLE = 200


class Risk(models.Model):
    """What may go wrong, rated by likelihood and impact, each 1 to 5. Linked to nothing it is one of every rollout.

    `mitigation` is Markdown. `built_in`: which of the lines that come with the portal it is.
    """

    title = models.CharField(max_length=LONGEST_TITLE)
    description = models.TextField(blank=True)
    category = models.CharField(max_length=15, choices=choices_of(RiskCategory))
    likelihood = models.PositiveSmallIntegerField()
    impact = models.PositiveSmallIntegerField()
    mitigation = models.TextField(blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="risks"
    )
    state = models.CharField(max_length=10, choices=choices_of(RiskState), default=RiskState.OPEN)
    review_on = models.DateField(null=True, blank=True)
    built_in = models.CharField(max_length=50, blank=True)

    history = track()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="rollouts_risk_category_known", condition=Q(category__in=[str(one) for one in RiskCategory])
            ),
            models.CheckConstraint(
                name="rollouts_risk_state_known", condition=Q(state__in=[str(one) for one in RiskState])
            ),
            models.CheckConstraint(
                name="rollouts_risk_rated",
                condition=Q(likelihood__range=(LOWEST, HIGHEST), impact__range=(LOWEST, HIGHEST)),
            ),
            models.CheckConstraint(name="rollouts_risk_titled", condition=~Q(title="")),
            models.CheckConstraint(
                name="rollouts_risk_mitigated_how", condition=~Q(state="mitigated") | ~Q(mitigation="")
            ),
            models.UniqueConstraint(name="rollouts_risk_built_in_once", fields=["built_in"], condition=~Q(built_in="")),
        ]
        indexes = [
            # The gravest first, as the register lists them.
            models.Index(
                F("state"), (F("likelihood") * F("impact")).desc(), F("id").desc(), name="rollouts_risk_gravest"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def score(self) -> int:
        return score_of(likelihood=self.likelihood, impact=self.impact)

    @property
    def level(self) -> RiskLevel:
        return level_of(likelihood=self.likelihood, impact=self.impact)

    @property
    def is_open(self) -> bool:
        return self.state == RiskState.OPEN

    def is_overdue(self, today: date) -> bool:
        """Tell whether somebody should have looked at it again before today."""
        return self.is_open and self.review_on is not None and self.review_on < today


class RiskRelease(models.Model):
    """A release that a risk is about."""

    risk = models.ForeignKey(Risk, on_delete=models.PROTECT, related_name="risk_releases")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="risk_releases")

    history = track()

    class Meta:
        ordering = ["risk", "-release"]
        constraints = [models.UniqueConstraint(name="rollouts_risk_release_once", fields=["risk", "release"])]

    def __str__(self) -> str:
        return f"{self.risk_id}: {self.release_id}"


class RiskFlag(models.Model):
    """A flag that a risk is about."""

    risk = models.ForeignKey(Risk, on_delete=models.PROTECT, related_name="risk_flags")
    flag = models.ForeignKey(Flag, on_delete=models.PROTECT, related_name="risk_flags")

    history = track()

    class Meta:
        ordering = ["risk", "flag"]
        constraints = [models.UniqueConstraint(name="rollouts_risk_flag_once", fields=["risk", "flag"])]

    def __str__(self) -> str:
        return f"{self.risk_id}: {self.flag_id}"


class RiskReview(models.Model):
    """Somebody looked at a risk for a rollout: how they rated it then, and what they said. Append-only.

    It counts for one attempt, and as long as the risk is still rated so.
    """

    append_only = True

    risk = models.ForeignKey(Risk, on_delete=models.PROTECT, related_name="reviews")
    rollout = models.ForeignKey(Rollout, on_delete=models.PROTECT, related_name="risk_reviews")
    attempt = models.PositiveIntegerField()
    likelihood = models.PositiveSmallIntegerField()
    impact = models.PositiveSmallIntegerField()
    words = models.TextField()
    reviewed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reviewed_at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="rollouts_risk_review_rated",
                condition=Q(likelihood__range=(LOWEST, HIGHEST), impact__range=(LOWEST, HIGHEST)),
            ),
            models.CheckConstraint(name="rollouts_risk_review_says_why", condition=~Q(words="")),
        ]

    def __str__(self) -> str:
        return f"{self.rollout_id}: {self.risk_id}"

    @property
    def level(self) -> RiskLevel:
        return level_of(likelihood=self.likelihood, impact=self.impact)
