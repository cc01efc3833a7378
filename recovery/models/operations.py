"""What is done to a target: an operation with its steps, driven to its end by whatever worker lives."""

from django.db import models
from django.db.models import Q

from core.history import track
from recovery.domain.lifecycle import CALM, UNFINISHED, Kind, Status, StepStatus, can_abort, can_leave
from recovery.models.drills import Drill
from recovery.models.targets import Target


class Operation(models.Model):
    """One deployment, restore, rollback or drill. `wish`: what was asked for; `state`: what its steps found and made.

    A target has one unfinished operation at most: two would mix.
    """

    kind = models.CharField(max_length=10, choices=[(str(k), str(k)) for k in Kind])
    target = models.ForeignKey(Target, on_delete=models.PROTECT, related_name="operations")
    status = models.CharField(max_length=10, choices=[(str(s), str(s)) for s in Status], default=Status.QUEUED)
    is_exercise = models.BooleanField(default=False)
    drill = models.ForeignKey(Drill, on_delete=models.PROTECT, related_name="operations", null=True, blank=True)
    wish = models.JSONField(default=dict)
    state = models.JSONField(default=dict)
    failure = models.JSONField(default=dict)
    asked_by = models.CharField(max_length=200)
    asked_at = models.DateTimeField()
    deadline_at = models.DateTimeField(null=True)
    next_attempt_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    history = track()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                name="recovery_one_operation",
                fields=["target"],
                # What gives way to a rollback is put back beside it: it has touched nothing that the rollback does.
                condition=Q(status__in=[str(s) for s in UNFINISHED])
                & ~Q(status=Status.ABORTING, kind__in=[str(k) for k in CALM]),
            ),
            models.CheckConstraint(
                name="recovery_operation_status_known", condition=Q(status__in=[str(s) for s in Status])
            ),
            models.CheckConstraint(name="recovery_operation_kind_known", condition=Q(kind__in=[str(k) for k in Kind])),
            models.CheckConstraint(
                name="recovery_operation_ended",
                condition=Q(status__in=["succeeded", "aborted"], ended_at__isnull=False)
                | Q(status__in=[str(s) for s in UNFINISHED], ended_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.kind} {self.target_id}"

    @property
    def is_past(self) -> bool:
        """Whether it is past its point of no return: the way out is forward."""
        return bool(self.state.get("is_past"))

    @property
    def is_abortable(self) -> bool:
        """Whether it can be given up now, and what it changed be put back."""
        is_begun = bool(self.state.get("is_quiet") or self.state.get("is_touched"))
        return can_abort(Status(self.status), kind=Kind(self.kind), is_past=self.is_past, is_begun=is_begun)

    @property
    def is_leavable(self) -> bool:
        """Whether it can be ended as it stands."""
        return can_leave(Status(self.status), is_past=self.is_past)


class OperationStep(models.Model):
    """A step with what it printed and what proves that it was done. Untracked: it is written while it runs.

    The operation's own history keeps the figures once it ends.
    """

    operation = models.ForeignKey(Operation, on_delete=models.PROTECT, related_name="steps")
    position = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=40)
    status = models.CharField(max_length=10, choices=[(str(s), str(s)) for s in StepStatus], default=StepStatus.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    output = models.TextField(blank=True)
    proof = models.JSONField(default=dict)

    class Meta:
        ordering = ["operation", "position"]
        constraints = [
            models.UniqueConstraint(name="recovery_step_once", fields=["operation", "position"]),
            models.CheckConstraint(
                name="recovery_step_status_known", condition=Q(status__in=[str(s) for s in StepStatus])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operation_id}: {self.code}"
