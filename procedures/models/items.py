"""An item of a procedure's checklists."""

from django.db import models
from django.db.models import Q

from core.history import track
from procedures.domain.checklists import ItemState, Stage
from procedures.models.procedures import Procedure


class ProcedureItem(models.Model):
    """What is asked, and who said what with which proof. `data`: what the program saw, where it filled the item."""

    procedure = models.ForeignKey(Procedure, on_delete=models.PROTECT, related_name="items")
    position = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=40)
    stage = models.CharField(max_length=10, choices=[(str(stage), str(stage)) for stage in Stage])
    is_automatic = models.BooleanField(default=False)
    state = models.CharField(
        max_length=10, choices=[(str(state), str(state)) for state in ItemState], default=ItemState.OPEN
    )
    said_by = models.CharField(max_length=200, blank=True)
    said_at = models.DateTimeField(null=True, blank=True)
    proof = models.TextField(blank=True)
    data = models.JSONField(default=dict, blank=True)

    history = track()

    class Meta:
        ordering = ["procedure", "position"]
        constraints = [
            models.UniqueConstraint(name="procedures_item_once", fields=["procedure", "code"]),
            models.CheckConstraint(
                name="procedures_item_state_known", condition=Q(state__in=[str(state) for state in ItemState])
            ),
            models.CheckConstraint(
                name="procedures_item_said_by_whom",
                condition=Q(state="open") | (~Q(said_by="") & Q(said_at__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return self.code
