"""Reads of the migrations of releases."""

from collections.abc import Iterable
from dataclasses import dataclass

from recovery.domain.lifecycle import Kind, Status
from recovery.domain.reversals import Reversibility, worst
from recovery.models import SchemaMigration, Target


@dataclass(frozen=True)
class MigrationRow:
    """A migration with the worst that is known of it, None where nobody said or saw anything."""

    migration: SchemaMigration
    kind: Reversibility | None


@dataclass(frozen=True)
class Warnings:
    """What somebody has to know before a release is put on a target. `rehearsal`: the operation that tried it."""

    is_rehearsed: bool
    irreversible: list[str]
    lossy: list[str]
    rehearsal: int | None = None

    @property
    def need_word(self) -> bool:
        return not self.is_rehearsed or bool(self.irreversible)


def list_migrations(version: str) -> list[MigrationRow]:
    """Return the migrations of a release, in their order."""
    return [_rate(row) for row in SchemaMigration.objects.filter(version=version).select_related("rehearsed_in")]


def map_migrations(versions: Iterable[str]) -> dict[str, list[SchemaMigration]]:
    """Return the migrations of several releases by version: one query."""
    found: dict[str, list[SchemaMigration]] = {}
    for row in SchemaMigration.objects.filter(version__in=list(versions)):
        found.setdefault(row.version, []).append(row)
    return found


def find_warnings(target: Target, *, version: str, image: str) -> Warnings:
    """Return what is to be known of a release's migrations before it goes to a target.

    Rehearsed: this very image, on a copy of this target's own database.
    """
    if not target.migrate or not target.database:
        return Warnings(is_rehearsed=True, irreversible=[], lossy=[])
    tried = target.operations.filter(kind=Kind.REHEARSE, status=Status.SUCCEEDED, wish__image=image).first()
    found: dict[str, str] = tried.state.get("found", {}) if tried is not None else {}
    rows = list_migrations(version)
    never = {one.migration.name for one in rows if one.kind == Reversibility.IRREVERSIBLE}
    never |= {name for name, kind in found.items() if kind == Reversibility.IRREVERSIBLE}
    return Warnings(
        is_rehearsed=tried is not None,
        irreversible=sorted(never),
        lossy=[one.migration.name for one in rows if one.kind == Reversibility.LOSSY],
        rehearsal=tried.pk if tried is not None else None,
    )


def list_irreversible(version: str, *, names: Iterable[str]) -> list[str]:
    """Return those of a release's migrations that cannot be gone back behind, by what is said and was seen."""
    rows = SchemaMigration.objects.filter(version=version, name__in=list(names))
    return sorted({row.name for row in rows if worst(row.kinds) == Reversibility.IRREVERSIBLE})


def _rate(row: SchemaMigration) -> MigrationRow:
    return MigrationRow(row, worst(row.kinds) if row.kinds else None)
