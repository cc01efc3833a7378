"""Investigations: of complaints, and of what a lane saw."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from core.history import track
from rollouts.domain.investigating import ASKING_LANES, CODES, State
from rollouts.models.choices import choices_of
from rollouts.models.rollbacks import Rollback
from rollouts.models.rollouts import Rollout


class Investigation(models.Model):
    """So many complaints, or a lane's breach, that a person has to look: once for a rollout, a day and a rule or lane.

    `evidence` is what was counted at that moment and never counted again: the complaints' numbers, and how many
    name which flag and come from which site; or what the lane said in `said`, its judgements in `breaches` and
    their `flags`. Marking a complaint afterwards changes nothing here.
    """

    rollout = models.ForeignKey(Rollout, on_delete=models.PROTECT, related_name="investigations")
    code = models.CharField(max_length=20, choices=[(code, code) for code in CODES])
    day = models.DateField()
    attempt = models.PositiveIntegerField()
    status = models.CharField(max_length=15, choices=choices_of(State), default=State.OPEN)
    opened_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    evidence = models.JSONField()
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="investigations"
    )
    taken_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    conclusion = models.TextField(blank=True)
    concluded_by = models.CharField(max_length=200, blank=True)
    rollback = models.ForeignKey(Rollback, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    history = track()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(name="rollouts_investigation_once", fields=["rollout", "day", "code"]),
            models.CheckConstraint(name="rollouts_investigation_code_known", condition=Q(code__in=list(CODES))),
            models.CheckConstraint(
                name="rollouts_investigation_ends_whole",
                condition=Q(status="open", ended_at__isnull=True, conclusion="", concluded_by="", rollback__isnull=True)
                | (
                    Q(status="dismissed", ended_at__isnull=False, rollback__isnull=True)
                    & ~Q(conclusion="")
                    & ~Q(concluded_by="")
                )
                | (
                    Q(status="rolled_back", ended_at__isnull=False, rollback__isnull=False)
                    & ~Q(conclusion="")
                    & ~Q(concluded_by="")
                ),
            ),
            models.CheckConstraint(
                name="rollouts_investigation_deadline_later", condition=Q(deadline_at__gt=F("opened_at"))
            ),
            models.CheckConstraint(
                name="rollouts_investigation_taken_by_whom",
                condition=Q(taken_at__isnull=True) | Q(owner__isnull=False),
            ),
        ]
        indexes = [models.Index(name="rollouts_investigation_open", fields=["deadline_at"], condition=Q(status="open"))]

    def __str__(self) -> str:
        return f"{self.rollout_id}: {self.code} {self.day}"

    @property
    def is_of_lane(self) -> bool:
        """Whether a lane asked for it, not complaints."""
        return self.code in ASKING_LANES

    @property
    def complaint_ids(self) -> list[int]:
        """The complaints that were counted."""
        return list(self.evidence.get("complaints", []))
