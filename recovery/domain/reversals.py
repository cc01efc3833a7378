"""How the migrations of a release are gone back behind, one by one, and how well that goes. Pure."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

#: Before the first migration, as Django, and most others, call it.
NOTHING = "zero"
#: What the words of a target's reverse command may hold.
PLACEHOLDERS = ("{app}", "{name}")
_PLACEHOLDER = re.compile(r"\{app\}|\{name\}")


class Reversibility(StrEnum):
    """How well a migration can be gone back behind, from best to worst.

    Clean: everything is as before. Lossy: the schema is, and what was written into what goes is lost. Irreversible:
    there is no way back but a restore point.
    """

    CLEAN = "clean"
    LOSSY = "lossy"
    IRREVERSIBLE = "irreversible"


_WORST_LAST = tuple(Reversibility)


@dataclass(frozen=True)
class Reversal:
    """`migration`: what is gone back behind; `app`: empty where the ledger knows none; `back_to`: name or NOTHING."""

    migration: str
    app: str
    back_to: str


@dataclass(frozen=True)
class Looked:
    """What a rehearsal saw of one migration that was gone back behind. `gone`: tables and columns that went with it."""

    migration: str
    is_back: bool
    gone: tuple[str, ...] = ()


def list_new(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """Return the migrations that ran between two looks at the ledger, in their order."""
    known = set(before)
    return [name for name in after if name not in known]


def list_reversals(before: Sequence[str], new: Sequence[str], *, has_apps: bool) -> list[Reversal]:
    """Return the way back behind new migrations, the last one first.

    `has_apps`: the ledger is Django's, whose names are `app.name`; elsewhere a dot is a part of a name.
    """
    chain = [*before, *new]
    found: list[Reversal] = []
    for at in range(len(chain) - 1, len(before) - 1, -1):
        app, _name = _split(chain[at], has_apps=has_apps)
        earlier = [name for other, name in (_split(one, has_apps=has_apps) for one in chain[:at]) if other == app]
        found.append(Reversal(chain[at], app, earlier[-1] if earlier else NOTHING))
    return found


def fill_words(words: Sequence[str], reversal: Reversal) -> list[str]:
    """Return a reverse command for one migration; a word stays one word, whatever is filled in."""
    values = {"{app}": reversal.app, "{name}": reversal.back_to}
    return [_PLACEHOLDER.sub(lambda found: values[found[0]], word) for word in words]


def names_target(words: Sequence[str]) -> bool:
    """Tell whether a reverse command says how far it goes back."""
    return any("{name}" in word for word in words)


def worst(kinds: Collection[Reversibility]) -> Reversibility:
    """Return the worst of some; clean where there is none."""
    return max(kinds, key=_WORST_LAST.index, default=Reversibility.CLEAN)


def judge(
    looked: Sequence[Looked], *, is_schema_same: bool, is_data_same: bool, runs_again: bool
) -> dict[str, Reversibility]:
    """Return how well each migration can be gone back behind, from what a rehearsal saw, the last one first.

    Whether a step left everything as it was is only seen at the end of the way: where that was not reached, or is not
    where it began, none of them counts as gone back behind. Data that differ in the end are borne by all of them.
    """
    is_whole = is_schema_same and runs_again and all(one.is_back for one in looked)
    found: dict[str, Reversibility] = {}
    for one in looked:
        if not is_whole:
            found[one.migration] = Reversibility.IRREVERSIBLE
        elif one.gone or not is_data_same:
            found[one.migration] = Reversibility.LOSSY
        else:
            found[one.migration] = Reversibility.CLEAN
    return found


def list_gone(before: Mapping[str, Sequence[str]], after: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the tables, and the columns of tables that stay, that are not there any more, as `schema.table.column`."""
    gone = [table for table in before if table not in after]
    for table in before.keys() & after.keys():
        gone += [f"{table}.{column}" for column in before[table] if column not in after[table]]
    return tuple(sorted(gone))


def _split(migration: str, *, has_apps: bool) -> tuple[str, str]:
    """Return (app, name as commands take it): of a ledger with a number and words, the number."""
    if has_apps:
        app, _dot, name = migration.partition(".")
        return app, name
    return "", migration.partition(" ")[0]
