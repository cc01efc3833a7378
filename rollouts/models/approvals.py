"""Who approved what: of a plan, or of a phase's end. And the checklists of phases."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.history import track
from rollouts.models.rollouts import Rollout
from rollouts.models.steps import Phase


class Decision(models.TextChoices):
    APPROVED = "approved", "approved"
    REJECTED = "rejected", "rejected"


class Approval(models.Model):
    """One person's decision on what they saw, by its hash; for the end of `phase`, without one for the plan.

    Append-only: a later decision of the same person stands in place of an earlier, and a change of the
    content leaves all of them behind.
    """

    append_only = True

    rollout = models.ForeignKey(Rollout, on_delete=models.PROTECT, related_name="approvals")
    phase = models.ForeignKey(Phase, on_delete=models.PROTECT, null=True, blank=True, related_name="approvals")
    content_hash = models.CharField(max_length=64)
    decision = models.CharField(max_length=10, choices=Decision.choices)
    comment = models.TextField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(name="rollouts_approval_decision_known", condition=Q(decision__in=Decision.values)),
            models.CheckConstraint(name="rollouts_approval_says_why", condition=~Q(comment="")),
            models.CheckConstraint(
                name="rollouts_approval_hash_whole", condition=Q(content_hash__regex="^[0-9a-f]{64}$")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rollout_id}: {self.decision}"


class CheckItem(models.Model):
    """One line of a phase's checklist: what, and once done who, when and with which proof."""

    phase = models.ForeignKey(Phase, on_delete=models.CASCADE, related_name="check_items")
    position = models.PositiveSmallIntegerField()
    text = models.CharField(max_length=200)
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    proof = models.TextField(blank=True)

    history = track()

    class Meta:
        ordering = ["phase", "position"]
        constraints = [
            models.UniqueConstraint(name="rollouts_check_item_once", fields=["phase", "position"]),
            models.CheckConstraint(name="rollouts_check_item_says_what", condition=~Q(text="")),
            models.CheckConstraint(
                name="rollouts_check_item_done_by_whom",
                condition=Q(done_at__isnull=True, done_by__isnull=True, proof="")
                | (Q(done_at__isnull=False, done_by__isnull=False) & ~Q(proof="")),
            ),
        ]

    def __str__(self) -> str:
        return self.text
