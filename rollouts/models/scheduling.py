"""What the scheduler keeps for itself; untracked."""

from django.db import models

from rollouts.models.rollouts import Rollout


class StepFault(models.Model):
    """A rollout whose due step failed: how often, why, and when it is tried again. Untracked; gone once it goes on."""

    rollout = models.OneToOneField(Rollout, on_delete=models.PROTECT, primary_key=True, related_name="step_fault")
    attempts = models.PositiveSmallIntegerField()
    last_error = models.CharField(max_length=200)
    next_attempt_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.rollout_id}: {self.last_error}"


class SchedulerHeartbeat(models.Model):
    """When the scheduler last looked for due steps. One row; untracked."""

    beat_at = models.DateTimeField()
