"""Writes of targets: made, edited, retired, by admins alone."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.errors import InvalidInput, Refusal
from core.history import recorded
from core.versions import check_version
from flags.models import Environment
from recovery.domain import names
from recovery.domain.addresses import is_source
from recovery.domain.lifecycle import UNFINISHED
from recovery.domain.reversals import names_target
from recovery.models import Target
from recovery.targets import find_place

LONGEST_RTO_SECONDS = 86_400
MOST_POINTS = 1_000


@dataclass(frozen=True)
class TargetWish:
    """A target as people describe it; commands are lists of words."""

    name: str
    environment_id: int
    site_id: int | None = None
    is_for_drills: bool = False
    host: str = ""
    folder: str = ""
    compose_file: str = "docker-compose.yml"
    project: str = ""
    service: str = ""
    command_service: str = ""
    image_variable: str = ""
    migrate: list[str] = field(default_factory=list)
    reverse: list[str] = field(default_factory=list)
    smoke: list[str] = field(default_factory=list)
    health_url: str = ""
    database: str = ""
    database_variable: str = ""
    receipts: str = ""
    checks_folder: str = ""
    rto_seconds: int = 300
    kept_points: int = 7


#: The field that a refusal is about, for the page.
FIELDS = {
    "host_address_wrong": "host",
    "folder_wrong": "folder",
    "compose_file_wrong": "compose_file",
    "project_wrong": "project",
    "service_wrong": "service",
    "command_service_wrong": "command_service",
    "image_variable_wrong": "image_variable",
    "health_url_wrong": "health_url",
    "database_source_wrong": "database",
    "database_variable_wrong": "database_variable",
    "reverse_names_nothing": "reverse",
    "drills_in_production": "is_for_drills",
    "receipts_wrong": "receipts",
    "checks_folder_wrong": "checks_folder",
    "target_key_taken": "key",
    "project_incomplete": "project",
    "target_empty": "database",
    "database_shared": "database",
    "rto_wrong": "rto_seconds",
    "kept_points_wrong": "kept_points",
}


def check_wish(wish: TargetWish) -> None:
    """Refuse what can never be right, whatever runs where."""
    fault = _find_fault(wish)
    if fault:
        raise InvalidInput(fault)
    if not wish.folder and not wish.database:
        raise InvalidInput("target_empty")
    if wish.folder and not (wish.project and wish.service and wish.image_variable and wish.compose_file):
        raise InvalidInput("project_incomplete")
    if wish.reverse and not names_target(wish.reverse):
        raise InvalidInput("reverse_names_nothing")
    if wish.is_for_drills and Environment.objects.filter(pk=wish.environment_id, is_production=True).exists():
        raise InvalidInput("drills_in_production")
    if not 1 <= wish.rto_seconds <= LONGEST_RTO_SECONDS:
        raise InvalidInput("rto_wrong", limit=LONGEST_RTO_SECONDS)
    if not 1 <= wish.kept_points <= MOST_POINTS:
        raise InvalidInput("kept_points_wrong", limit=MOST_POINTS)


def _find_fault(wish: TargetWish) -> str:
    """Return the code of the first text that is not what it must be; an empty one is another matter."""
    rules: tuple[tuple[str, Callable[[str], bool], str], ...] = (
        (wish.host, names.is_host, "host_address_wrong"),
        (wish.folder, names.is_folder, "folder_wrong"),
        (wish.compose_file, names.is_compose_file, "compose_file_wrong"),
        (wish.project, names.is_project, "project_wrong"),
        (wish.service, names.is_service, "service_wrong"),
        (wish.command_service, names.is_service, "command_service_wrong"),
        (wish.image_variable, names.is_variable, "image_variable_wrong"),
        (wish.health_url, names.is_health_url, "health_url_wrong"),
        (wish.database, is_source, "database_source_wrong"),
        (wish.database_variable, names.is_variable, "database_variable_wrong"),
        (wish.receipts, names.is_receipts, "receipts_wrong"),
        (wish.checks_folder, names.is_folder, "checks_folder_wrong"),
    )
    return next((code for text, rule, code in rules if text and not rule(text)), "")


def _check_database_free(wish: TargetWish, *, but: int = 0) -> None:
    """Refuse a database that another target has: both could be taken back at once.

    By where its address is read from, and by the address itself where that can be read here: a worker may see more.
    """
    if not wish.database:
        return
    own = find_place(wish.database)
    for other in Target.objects.filter(retired_at=None).exclude(database="").exclude(pk=but or 0).order_by("key"):
        if other.database == wish.database or (own is not None and find_place(other.database) == own):
            raise InvalidInput("database_shared", target=other.key)


@transaction.atomic
def create_target(*, key: str, wish: TargetWish, actor: Actor, reason: str, now: datetime) -> Target:
    """Make a target."""
    check_wish(wish)
    if Target.objects.filter(key=key).exists():
        raise InvalidInput("target_key_taken", key=key)
    _check_database_free(wish)
    target = Target(key=key, **asdict(wish))
    with recorded(actor=actor, reason=reason, now=now):
        target.save()
    return target


@transaction.atomic
def edit_target(
    *, target_id: int, wish: TargetWish, actor: Actor, reason: str, now: datetime, seen: int | None = None
) -> Target:
    """Describe a target anew; refuse while an operation works by its old description."""
    check_wish(wish)
    target = _get_free(target_id, seen=seen)
    _check_database_free(wish, but=target.pk)
    for name, value in asdict(wish).items():
        setattr(target, name, value)
    with recorded(actor=actor, reason=reason, now=now):
        target.save()
    return target


@transaction.atomic
def retire_target(*, target_id: int, actor: Actor, reason: str, now: datetime, seen: int | None = None) -> Target:
    """Let nothing more be done to a target; what was done stays on record."""
    target = _get_free(target_id, seen=seen)
    if target.retired_at is None:
        with recorded(actor=actor, reason=reason, now=now):
            target.retired_at = now
            target.save()
    return target


def _get_free(target_id: int, *, seen: int | None) -> Target:
    target = Target.objects.select_for_update(of=("self",)).get(pk=target_id)
    check_version(target, seen)
    running = target.operations.filter(status__in=UNFINISHED).first()
    if running is not None:
        raise Refusal("target_taken", target=target.key, operation=running.pk)
    return target
