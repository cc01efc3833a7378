"""Who is on duty for the shops, when."""

from datetime import date, timedelta

from django.db import models
from django.db.models import Q

from core.history import track
from flags.models import Site


class SupportShift(models.Model):
    """A person on duty on the days [starts_on, ends_on), for one site or, without one, for every site."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, null=True, blank=True, related_name="support_shifts")
    starts_on = models.DateField()
    ends_on = models.DateField()
    name = models.CharField(max_length=100)
    phone = models.CharField(max_length=40)
    hours = models.CharField(max_length=100, blank=True)

    history = track()

    class Meta:
        ordering = ["starts_on", "pk"]
        constraints = [
            models.CheckConstraint(name="rollouts_shift_not_empty", condition=Q(starts_on__lt=models.F("ends_on"))),
            models.CheckConstraint(name="rollouts_shift_of_somebody", condition=~Q(name="") & ~Q(phone="")),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.starts_on}"

    @property
    def last_on(self) -> date:
        return self.ends_on - timedelta(days=1)
