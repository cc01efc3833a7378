"""Where a release runs: a compose project and its database."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from core.history import track
from flags.models import Environment, Site, check_key


class Target(models.Model):
    """An environment's, or one site's, compose project and database. Either may be missing, not both.

    `database` says where the address is read from (recovery.domain.addresses); the address itself is nowhere here.
    `command_service`: runs migrations and tests once, where that is another than the service that serves (the older
    docker-compose starts no second container of a service on the host's network).
    `database_variable`: from which its commands read a database's address, so that they can be tried on another one.
    `reverse`: words with {name}, the migration to go back to, and {app} where the ledger knows one.
    `receipts`: `table.column` of the receipt numbers, which are never to be given twice.
    """

    key = models.CharField(max_length=60, unique=True, validators=[check_key])
    name = models.CharField(max_length=100)
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="targets")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="targets", null=True, blank=True)
    is_for_drills = models.BooleanField(default=False)
    host = models.CharField(max_length=200, blank=True)
    folder = models.CharField(max_length=300, blank=True)
    compose_file = models.CharField(max_length=100, blank=True, default="docker-compose.yml")
    project = models.CharField(max_length=60, blank=True)
    service = models.CharField(max_length=60, blank=True)
    command_service = models.CharField(max_length=60, blank=True)
    image_variable = models.CharField(max_length=60, blank=True)
    migrate = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    reverse = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    smoke = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    health_url = models.CharField(max_length=300, blank=True)
    database = models.CharField(max_length=100, blank=True)
    database_variable = models.CharField(max_length=60, blank=True)
    receipts = models.CharField(max_length=130, blank=True)
    checks_folder = models.CharField(max_length=300, blank=True)
    rto_seconds = models.PositiveIntegerField(default=300)
    kept_points = models.PositiveSmallIntegerField(default=7)
    retired_at = models.DateTimeField(null=True, blank=True)

    history = track()

    class Meta:
        ordering = ["environment", "key"]
        constraints = [
            models.CheckConstraint(name="recovery_target_is_something", condition=~Q(folder="") | ~Q(database="")),
            models.CheckConstraint(
                name="recovery_target_project_whole",
                condition=Q(folder="") | ~Q(project="") & ~Q(service="") & ~Q(image_variable=""),
            ),
            models.CheckConstraint(
                name="recovery_target_address_elsewhere",
                condition=Q(database="") | Q(database__startswith="env:") | Q(database__startswith="file:"),
            ),
            models.CheckConstraint(name="recovery_target_keeps_some", condition=Q(kept_points__gte=1)),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def has_application(self) -> bool:
        return bool(self.folder)
