"""What is asked before and after a rollback: the customer's two checklists and the criteria of people. Pure."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Kind(StrEnum):
    """What is taken back: flags; an application to its image before, perhaps with its database; a database alone."""

    FEATURE = "feature"
    IMMEDIATE = "immediate"
    DATABASE = "database"


class Stage(StrEnum):
    CRITERION = "criterion"
    BEFORE = "before"
    AFTER = "after"


class ItemState(StrEnum):
    """Overridden: passed over in an emergency, with a reason that the post-mortem shows."""

    OPEN = "open"
    MET = "met"
    FAILED = "failed"
    OVERRIDDEN = "overridden"


@dataclass(frozen=True)
class Template:
    """An item of the checklists, a statement whose yes is good.

    `is_automatic`: the program fills it where it can; a person may, where it cannot. `is_in_words`: it is answered
    in words, and has no "no". `is_supports`: those who talk to the shops know it as well as who drives the rollout.
    """

    code: str
    stage: Stage
    kinds: frozenset[Kind]
    is_automatic: bool = False
    is_in_words: bool = False
    is_supports: bool = False


_ALL = frozenset(Kind)
_TARGETS = frozenset({Kind.IMMEDIATE, Kind.DATABASE})
TEMPLATES: tuple[Template, ...] = (
    Template("business_impact", Stage.CRITERION, _ALL, is_in_words=True, is_supports=True),
    Template("data_integrity", Stage.CRITERION, _ALL),
    Template("security", Stage.CRITERION, _ALL),
    Template("root_cause", Stage.BEFORE, _ALL),
    Template("recent_backup", Stage.BEFORE, _TARGETS, is_automatic=True),
    Template("image_present", Stage.BEFORE, frozenset({Kind.IMMEDIATE}), is_automatic=True),
    Template("users_told", Stage.BEFORE, _ALL, is_supports=True),
    Template("tried_before", Stage.BEFORE, _TARGETS, is_automatic=True),
    Template("flags_off", Stage.AFTER, frozenset({Kind.FEATURE}), is_automatic=True),
    Template("till_works", Stage.AFTER, _ALL),
    Template("end_to_end", Stage.AFTER, _ALL, is_automatic=True),
    Template("data_sound", Stage.AFTER, _TARGETS, is_automatic=True),
    Template("metrics_back", Stage.AFTER, _ALL, is_automatic=True),
)
_BY_CODE = {one.code: one for one in TEMPLATES}
#: How long each kind may take, and how long its figures are watched afterwards.
DEADLINES = {
    Kind.FEATURE: timedelta(minutes=30),
    Kind.IMMEDIATE: timedelta(minutes=5),
    Kind.DATABASE: timedelta(minutes=5),
}
WATCHES = {
    Kind.FEATURE: timedelta(minutes=30),
    Kind.IMMEDIATE: timedelta(minutes=60),
    Kind.DATABASE: timedelta(minutes=60),
}


def list_templates(kind: Kind) -> list[Template]:
    """Return the items of a kind of rollback, in their order."""
    return [one for one in TEMPLATES if kind in one.kinds]


def is_in_words(code: str) -> bool:
    """Tell whether an item is answered in words instead of yes or no."""
    return code in _BY_CODE and _BY_CODE[code].is_in_words


def is_supports(code: str) -> bool:
    """Tell whether support may answer an item, too: what is of people and shops."""
    return code in _BY_CODE and _BY_CODE[code].is_supports


def can_override(stage: Stage) -> bool:
    """Tell whether an item may be passed over: what is asked before may, in an emergency."""
    return stage == Stage.BEFORE
