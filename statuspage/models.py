"""What everybody may see: of which environment, which components, under which name."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from core.history import track
from flags.models import Environment, Site
from recovery.models import Target
from statuspage.domain.affecting import ComponentKind


class StatusPage(models.Model):
    """The one page: its name in both languages, and whom to call."""

    name_fr = models.CharField(max_length=100)
    name_en = models.CharField(max_length=100)
    hotline = models.CharField(max_length=40, blank=True)
    changed_at = models.DateTimeField()

    history = track()

    class Meta:
        constraints = [
            models.CheckConstraint(name="statuspage_named", condition=~Q(name_fr="") & ~Q(name_en="")),
            models.CheckConstraint(name="statuspage_only_one", condition=Q(id=1)),
        ]

    def __str__(self) -> str:
        return self.name_en


class PublicEnvironment(models.Model):
    """What of an environment is public. `lists_unspoken`: what nobody spoke of in time is listed with fixed words."""

    environment = models.OneToOneField(Environment, on_delete=models.PROTECT, related_name="+")
    is_public = models.BooleanField(default=False)
    shows_rollouts = models.BooleanField(default=False)
    shows_maintenance = models.BooleanField(default=True)
    lists_unspoken = models.BooleanField(default=True)
    changed_at = models.DateTimeField()

    history = track()

    class Meta:
        ordering = ["environment"]

    def __str__(self) -> str:
        return str(self.environment)


class Component(models.Model):
    """A part of the service as the public knows it: never removed, since its number is known outside; hidden.

    `counted_from`: the first civil day that its history knows. `flag_keys`: of a feature, the flags it is made of.
    `target`: of a back end, the only one it is; none: every target of the environment.
    """

    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=[(str(kind), str(kind)) for kind in ComponentKind])
    site = models.ForeignKey(Site, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    target = models.ForeignKey(Target, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    flag_keys = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    name_fr = models.CharField(max_length=100)
    name_en = models.CharField(max_length=100)
    description_fr = models.CharField(max_length=300, blank=True)
    description_en = models.CharField(max_length=300, blank=True)
    position = models.PositiveSmallIntegerField()
    is_shown = models.BooleanField(default=True)
    counted_from = models.DateField()
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    history = track()

    class Meta:
        ordering = ["environment", "position", "pk"]
        constraints = [
            models.CheckConstraint(
                name="statuspage_component_kind_known", condition=Q(kind__in=[str(kind) for kind in ComponentKind])
            ),
            models.CheckConstraint(name="statuspage_component_named", condition=~Q(name_fr="") & ~Q(name_en="")),
            models.CheckConstraint(
                name="statuspage_component_site",
                condition=Q(kind="site", site__isnull=False) | (~Q(kind="site") & Q(site__isnull=True)),
            ),
            models.CheckConstraint(
                name="statuspage_component_target", condition=Q(target__isnull=True) | Q(kind="back_end")
            ),
            models.CheckConstraint(
                name="statuspage_component_flags",
                condition=Q(kind="feature", flag_keys__len__gte=1) | (~Q(kind="feature") & Q(flag_keys__len=0)),
            ),
            models.UniqueConstraint(
                name="statuspage_site_once", fields=["environment", "site"], condition=Q(site__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.name_en


class CopiedFile(models.Model):
    """A file of the static copy as it was written last, where to. Untracked: machine state."""

    place = models.CharField(max_length=300)
    path = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    written_at = models.DateTimeField()

    class Meta:
        ordering = ["path"]
        constraints = [models.UniqueConstraint(name="statuspage_file_once", fields=["place", "path"])]

    def __str__(self) -> str:
        return self.path


class CopyState(models.Model):
    """How writing the static copy goes, by where to. Untracked: machine state. `leased_until`: who writes now."""

    place = models.CharField(max_length=300, unique=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    next_attempt_at = models.DateTimeField()
    checked_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    last_error = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.place
