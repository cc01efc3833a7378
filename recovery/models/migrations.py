"""The migrations that a release brings, and how each is gone back behind."""

from django.db import models
from django.db.models import Q

from core.history import track
from recovery.domain.reversals import Reversibility
from recovery.models.operations import Operation

KINDS = [(str(kind), str(kind)) for kind in Reversibility]


class SchemaMigration(models.Model):
    """A migration of a release. `declared`: what its authors say; `found`: what the last rehearsal saw.

    `reversal`: how it is gone back behind, in words, for whoever has to do it by hand.
    """

    version = models.CharField(max_length=50)
    name = models.CharField(max_length=300)
    position = models.PositiveSmallIntegerField()
    declared = models.CharField(max_length=12, choices=KINDS, blank=True)
    reversal = models.TextField(blank=True)
    found = models.CharField(max_length=12, choices=KINDS, blank=True)
    gone = models.JSONField(default=list)
    rehearsed_in = models.ForeignKey(
        Operation, on_delete=models.PROTECT, related_name="rehearsed_migrations", null=True, blank=True
    )
    rehearsed_at = models.DateTimeField(null=True, blank=True)

    history = track()

    class Meta:
        ordering = ["version", "position", "pk"]
        constraints = [
            models.UniqueConstraint(name="recovery_migration_once", fields=["version", "name"]),
            models.CheckConstraint(name="recovery_migration_named", condition=~Q(version="") & ~Q(name="")),
            models.CheckConstraint(
                name="recovery_migration_kinds_known",
                condition=Q(declared__in=["", *map(str, Reversibility)]) & Q(found__in=["", *map(str, Reversibility)]),
            ),
            models.CheckConstraint(
                name="recovery_migration_found_by_rehearsal",
                condition=Q(found="", rehearsed_in__isnull=True, rehearsed_at__isnull=True)
                | ~Q(found="") & Q(rehearsed_in__isnull=False, rehearsed_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version}: {self.name}"

    @property
    def kinds(self) -> list[Reversibility]:
        """Return what is known of it, said and seen."""
        return [Reversibility(kind) for kind in (self.declared, self.found) if kind]
