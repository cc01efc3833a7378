"""What a database holds, as figures that are compared: rows, sums over their text, sequences, migrations. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class TableFigures:
    """`total`: the sum of each row's 64-bit hash, as text: two tables with the same rows have the same."""

    columns: tuple[str, ...]
    rows: int
    total: str


@dataclass(frozen=True)
class Manifest:
    """Figures of one snapshot. Tables and sequences are named `schema.name`.

    `invalid`: constraints that PostgreSQL has not checked over all rows (`convalidated`).
    """

    tables: dict[str, TableFigures]
    sequences: dict[str, int | None]
    migrations: tuple[str, ...]
    invalid: tuple[str, ...]
    server_version: int


@dataclass(frozen=True)
class Difference:
    """One thing that two manifests do not have in common. `kind`: missing, added, columns, rows, content, …"""

    kind: str
    what: str
    before: str = ""
    after: str = ""


def compare(before: Manifest, after: Manifest) -> list[Difference]:
    """Return in what the second manifest differs from the first, tables first."""
    return [*_compare_tables(before, after), *_compare_rest(before, after)]


def _compare_tables(before: Manifest, after: Manifest) -> Iterator[Difference]:
    for name in sorted(before.tables.keys() | after.tables.keys()):
        one, other = before.tables.get(name), after.tables.get(name)
        if other is None:
            yield Difference("table_missing", name)
        elif one is None:
            yield Difference("table_added", name)
        elif one.columns != other.columns:
            yield Difference("columns", name, ", ".join(one.columns), ", ".join(other.columns))
        elif one.rows != other.rows:
            yield Difference("rows", name, str(one.rows), str(other.rows))
        elif one.total != other.total:
            yield Difference("content", name)


def _compare_rest(before: Manifest, after: Manifest) -> Iterator[Difference]:
    for name in sorted(before.sequences):
        one, other = before.sequences.get(name), after.sequences.get(name)
        # Sequences are of no snapshot: a dump that sells go on beside may have a later number, never an earlier one.
        if name not in after.sequences or (one or 0) > (other or 0):
            yield Difference("sequence", name, str(one), str(other))
    if before.migrations != after.migrations:
        yield Difference("migrations", "", ", ".join(before.migrations[-1:]), ", ".join(after.migrations[-1:]))
    if set(after.invalid) - set(before.invalid):
        yield Difference("constraints", ", ".join(sorted(set(after.invalid) - set(before.invalid))))
