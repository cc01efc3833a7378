"""One rollback with everything that belongs to it: flags first, then targets, then a watch."""

from django.db import models
from django.db.models import Q

from core.history import track
from flags.models import Environment
from procedures.domain.checklists import Kind
from recovery.models import Operation
from rollouts.models import Rollback


class Procedure(models.Model):
    """A rollback from its beginning to the end of its watch. `rollback`: the flags that went off, where some did.

    `deadline_at`: by when it is to be done; `figures`: the users' own, before and after (procedures.domain.figures).
    """

    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="procedures")
    kind = models.CharField(max_length=10, choices=[(str(kind), str(kind)) for kind in Kind])
    rollback = models.OneToOneField(Rollback, on_delete=models.PROTECT, null=True, blank=True, related_name="procedure")
    begun_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    watched_until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    figures = models.JSONField(default=dict, blank=True)

    history = track()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(name="procedures_kind_known", condition=Q(kind__in=[str(kind) for kind in Kind])),
            models.CheckConstraint(
                name="procedures_in_order",
                condition=Q(deadline_at__gt=models.F("begun_at")) & Q(watched_until__gt=models.F("begun_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.kind}"


class ProcedureOperation(models.Model):
    """A target that is taken back in a procedure."""

    procedure = models.ForeignKey(Procedure, on_delete=models.PROTECT, related_name="parts")
    operation = models.OneToOneField(Operation, on_delete=models.PROTECT, related_name="part")

    history = track()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.procedure_id}: {self.operation_id}"
