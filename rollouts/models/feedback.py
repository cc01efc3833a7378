"""What pilots say of a day."""

from django.db import models
from django.db.models import Q

from flags.models import Flag
from rollouts.domain.feedback import LEAST_RATING, MOST_RATING
from rollouts.models.rollouts import Rollout


class Feedback(models.Model):
    """One pilot's rating of a day, of one flag or of everything. Append-only: the last of a day stands.

    The pilot is a pseudonymous targeting key; `day` is the civil day in the plan's zone.
    """

    append_only = True

    rollout = models.ForeignKey(Rollout, on_delete=models.PROTECT, related_name="feedback")
    attempt = models.PositiveIntegerField()
    targeting_key = models.CharField(max_length=200)
    day = models.DateField()
    rating = models.PositiveSmallIntegerField()
    flag = models.ForeignKey(Flag, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "feedback"
        constraints = [
            models.CheckConstraint(
                name="rollouts_feedback_rating_known", condition=Q(rating__gte=LEAST_RATING, rating__lte=MOST_RATING)
            ),
            models.CheckConstraint(name="rollouts_feedback_of_somebody", condition=~Q(targeting_key="")),
        ]
        indexes = [models.Index(name="rollouts_feedback_day", fields=["rollout", "day"])]

    def __str__(self) -> str:
        return f"{self.rollout_id}: {self.rating}"

    @property
    def said(self) -> str:
        """Its words, empty where there are none (any more)."""
        words = getattr(self, "words", None)
        return words.text if words else ""


class FeedbackText(models.Model):
    """The words of a feedback: personal data, apart and with a retention. Untracked."""

    feedback = models.OneToOneField(Feedback, on_delete=models.CASCADE, primary_key=True, related_name="words")
    text = models.TextField()

    def __str__(self) -> str:
        return f"{self.feedback_id}"
