"""Writes of the migrations of a release: what its authors say of each, and what rehearsals found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from core.actors import RECOVERY, Actor
from core.errors import InvalidInput, Refusal
from core.history import recorded
from recovery.domain.reversals import Reversibility
from recovery.models import SchemaMigration

#: First half of an advisory lock's key; the second is of the version.
MIGRATIONS_LOCK = 7_140_207
REHEARSED = "Migrations rehearsed"
MOST_MIGRATIONS = 200
MOST_NAME_CHARACTERS = 300
MOST_REVERSAL_CHARACTERS = 2_000


@dataclass(frozen=True)
class Declared:
    """A migration as the authors of a release describe it; `kind` is empty where they do not say."""

    name: str
    kind: str = ""
    reversal: str = ""


@transaction.atomic
def declare_migrations(
    *, version: str, migrations: Sequence[Declared], actor: Actor, reason: str, now: datetime
) -> list[SchemaMigration]:
    """Describe the migrations of a release, in their order; what is not named any more stays if it was rehearsed.

    A person may say whatever they know. A program adds, and says worse, never better; what a person said is not its.
    """
    _check(migrations)
    with recorded(actor=actor, reason=reason, now=now):
        known = _get_locked(version)
        if actor.user_id is None:
            _check_programs(migrations, known)
        for position, one in enumerate(migrations):
            row = known.pop(one.name, None)
            said = (position, one.kind, one.reversal.strip())
            if row is None:
                row = SchemaMigration(version=version, name=one.name)
            elif said == (row.position, row.declared, row.reversal):
                continue
            row.position, row.declared, row.reversal = said
            row.save()
        for row in known.values():
            if row.rehearsed_in_id is None:
                row.delete()
    return list(SchemaMigration.objects.filter(version=version))


@transaction.atomic
def note_rehearsal(
    *,
    operation_id: int,
    version: str,
    names: Sequence[str],
    found: Mapping[str, Reversibility],
    gone: Mapping[str, list[str]],
    now: datetime,
) -> None:
    """Keep what a rehearsal found of each migration; one that nobody described is on the list from now on."""
    with recorded(actor=RECOVERY, reason=REHEARSED, now=now):
        known = _get_locked(version)
        for position, name in enumerate(names):
            row = known.get(name) or SchemaMigration(version=version, name=name)
            row.position, row.found, row.gone = position, found[name], gone.get(name, [])
            row.rehearsed_in_id, row.rehearsed_at = operation_id, now
            row.save()


def _get_locked(version: str) -> dict[str, SchemaMigration]:
    """Return the migrations of a release by name; nobody else writes them until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [MIGRATIONS_LOCK, version])
    return {row.name: row for row in SchemaMigration.objects.select_for_update().filter(version=version)}


def _check_programs(migrations: Sequence[Declared], known: Mapping[str, SchemaMigration]) -> None:
    """Refuse what only a person may say of the migrations that are described already."""
    wishes = {one.name: one for one in migrations}
    of_persons = _find_of_persons(list(known.values()))
    for name, row in known.items():
        wish = wishes.get(name)
        is_kept = name in of_persons or _rank(row.declared) > _rank(Reversibility.CLEAN)
        if wish is None and is_kept and row.rehearsed_in_id is None:
            raise Refusal("migration_kept", name=name)
        if wish is not None and _rank(wish.kind) < _rank(row.declared):
            raise Refusal("migration_made_better", name=name, known=row.declared)
        if wish is not None and name in of_persons and wish.reversal.strip() != row.reversal:
            raise Refusal("migration_of_a_person", name=name)


def _rank(kind: str) -> int:
    """Return how bad a declaration is; none says least."""
    return ["", *Reversibility].index(kind)


def _find_of_persons(rows: Sequence[SchemaMigration]) -> set[str]:
    """Return the names of the migrations that a person has described, or changed."""
    history = SchemaMigration.history.filter(id__in=[row.pk for row in rows], history_user__isnull=False)
    return set(history.values_list("name", flat=True))


def _check(migrations: Sequence[Declared]) -> None:
    names = [one.name for one in migrations]
    if len(names) > MOST_MIGRATIONS:
        raise InvalidInput("migrations_too_many", limit=MOST_MIGRATIONS)
    if len(set(names)) < len(names):
        raise InvalidInput("migrations_twice")
    for one in migrations:
        if not one.name.strip() or len(one.name) > MOST_NAME_CHARACTERS or not one.name.isprintable():
            raise InvalidInput("migration_name_wrong", limit=MOST_NAME_CHARACTERS)
        if one.kind and one.kind not in set(Reversibility):
            raise InvalidInput("migration_kind_wrong", kinds=", ".join(Reversibility))
        if len(one.reversal) > MOST_REVERSAL_CHARACTERS:
            raise InvalidInput("reversal_too_long", limit=MOST_REVERSAL_CHARACTERS)
