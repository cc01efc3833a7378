"""The story of a rollout."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.actors import ActorKind
from rollouts.models.rollouts import Rollout


class RolloutEvent(models.Model):
    """The story, line by line. Append-only; incidents claim what concerns them."""

    append_only = True

    rollout = models.ForeignKey(Rollout, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=40)
    at = models.DateTimeField()
    data = models.JSONField(default=dict)
    actor_kind = models.CharField(max_length=10)
    actor_label = models.CharField(max_length=200)
    actor_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.TextField()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(name="rollouts_event_kind", fields=["kind", "id"])]
        constraints = [
            models.CheckConstraint(
                name="rollouts_event_actor_known", condition=Q(actor_kind__in=[str(kind) for kind in ActorKind])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rollout_id}: {self.kind}"
