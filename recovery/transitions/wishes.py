"""What people and programs want of a target, checked before an operation begins."""

from datetime import datetime
from typing import Any

from django.db import transaction

from core.actors import Actor
from core.errors import InvalidInput, Refusal
from recovery.domain.lifecycle import Kind
from recovery.domain.names import is_image
from recovery.migration_queries import find_warnings, list_irreversible
from recovery.models import Deployment, Operation, Target
from recovery.queries import find_kept, get_verified_point
from recovery.transitions.asking import ask_operation

MOST_LABEL_CHARACTERS = 200
MOST_VERSION_CHARACTERS = 50


@transaction.atomic
def take_point(*, target: Target, label: str = "", actor: Actor, reason: str, now: datetime) -> Operation:
    """Have a restore point taken."""
    _check_database(target)
    label = " ".join(label.split())
    if len(label) > MOST_LABEL_CHARACTERS:
        raise InvalidInput("label_too_long", limit=MOST_LABEL_CHARACTERS)
    return _ask(Kind.TAKE, target, {"label": label}, actor=actor, reason=reason, now=now)


@transaction.atomic
def verify_point(*, target: Target, point_id: int, actor: Actor, reason: str, now: datetime) -> Operation:
    """Have a restore point read again, to its last byte."""
    point = get_verified_point(target=target, point_id=point_id)
    return _ask(Kind.VERIFY, target, {"restore_point": point.pk}, actor=actor, reason=reason, now=now)


@transaction.atomic
def deploy(
    *,
    target: Target,
    version: str,
    image: str,
    accepts_migrations: bool = False,
    actor: Actor,
    reason: str,
    now: datetime,
) -> Operation:
    """Have a release put on a target; a restore point of its database comes first, always.

    Refuses one with migrations that cannot be gone back behind, or that nobody tried, unless they are accepted.
    """
    wish = _check_release(target, version=version, image=image)
    warnings = find_warnings(target, **wish)
    if warnings.need_word and not accepts_migrations:
        if warnings.irreversible:
            raise Refusal("migrations_irreversible", names=", ".join(warnings.irreversible))
        raise Refusal("migrations_unrehearsed", version=wish["version"], target=target.key)
    return _ask(Kind.DEPLOY, target, wish, actor=actor, reason=reason, now=now)


@transaction.atomic
def rehearse(
    *, target: Target, version: str, image: str, point_id: int, actor: Actor, reason: str, now: datetime
) -> Operation:
    """Have a release's migrations tried on a copy of a target's database: forward, back, forward again."""
    wish = _check_release(target, version=version, image=image)
    _check_database(target)
    if not target.migrate:
        raise Refusal("target_migrates_nothing", target=target.key)
    if not target.database_variable:
        raise Refusal("target_names_no_variable", target=target.key)
    point = get_verified_point(target=target, point_id=point_id)
    wish |= {"restore_point": point.pk}
    return _ask(Kind.REHEARSE, target, wish, actor=actor, reason=reason, now=now)


@transaction.atomic
def roll_back(
    *,
    target: Target,
    with_application: bool,
    point_id: int | None,
    accepts_losses: bool = False,
    reverses: bool = False,
    actor: Actor,
    reason: str,
    now: datetime,
) -> Operation:
    """Have a target taken back: its application to the image before, its database to a restore point, or both.

    `reverses`: instead of a restore point, the release's migrations are gone back behind with its own image.
    """
    wish: dict[str, Any] = {}
    if with_application:
        image = find_previous_image(target)
        if not image:
            raise Refusal("no_previous_image", target=target.key)
        wish["image"] = image
    if reverses:
        deployment = _get_reversible(target, is_asked_well=with_application and point_id is None)
        wish |= {"reverse": deployment.reversals, "reverse_image": deployment.image}
    if point_id is not None:
        _check_database(target)
        wish["restore_point"] = get_verified_point(target=target, point_id=point_id).pk
        wish["accepts_losses"] = accepts_losses
    if not wish:
        raise InvalidInput("rollback_of_nothing")
    return _ask(Kind.ROLL_BACK, target, wish, actor=actor, reason=reason, now=now)


@transaction.atomic
def swap_back(*, target: Target, database: str, actor: Actor, reason: str, now: datetime) -> Operation:
    """Have a database that was swapped out made live again."""
    kept = find_kept(target=target, name=database)
    wish = {"database": kept.name, "oid": kept.oid}
    return _ask(Kind.SWAP_BACK, target, wish, actor=actor, reason=reason, now=now)


@transaction.atomic
def let_go(*, target: Target, database: str, actor: Actor, reason: str, now: datetime) -> Operation:
    """Have a database that was kept dropped, for good."""
    kept = find_kept(target=target, name=database)
    return _ask(Kind.LET_GO, target, {"database": kept.name}, actor=actor, reason=reason, now=now)


def find_newest_deployment(target: Target) -> Deployment | None:
    """Return the newest deployment still in force."""
    return target.deployments.filter(rolled_back_at=None).first()


def find_previous_image(target: Target) -> str:
    """Return the image that ran before the newest deployment still in force, empty where there is none."""
    newest = find_newest_deployment(target)
    return newest.previous_image if newest is not None else ""


def _check_release(target: Target, *, version: str, image: str) -> dict[str, Any]:
    if not target.has_application:
        raise Refusal("target_has_no_application", target=target.key)
    version = version.strip()
    if not version or len(version) > MOST_VERSION_CHARACTERS or not version.isprintable() or "/" in version:
        raise InvalidInput("version_wrong", limit=MOST_VERSION_CHARACTERS)
    if not is_image(image.strip()):
        raise InvalidInput("image_not_pinned")
    return {"version": version, "image": image.strip()}


def _get_reversible(target: Target, *, is_asked_well: bool) -> Deployment:
    """Return the newest deployment, whose migrations can be gone back behind; refuse where they cannot."""
    if not is_asked_well:
        raise InvalidInput("reversal_alone")
    newest = find_newest_deployment(target)
    if newest is None or not newest.reversals or not target.reverse:
        raise Refusal("nothing_to_reverse", target=target.key)
    never = list_irreversible(newest.version, names=[one["migration"] for one in newest.reversals])
    if never:
        raise Refusal("migrations_irreversible", names=", ".join(never))
    return newest


def _check_database(target: Target) -> None:
    if not target.database:
        raise Refusal("target_has_no_database", target=target.key)


def _ask(kind: Kind, target: Target, wish: dict[str, Any], *, actor: Actor, reason: str, now: datetime) -> Operation:
    return ask_operation(kind=kind, target_id=target.pk, wish=wish, actor=actor, reason=reason, now=now)
