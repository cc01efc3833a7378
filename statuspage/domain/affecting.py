"""Which components a trouble touches, and how much."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from statuspage.domain.states import State, find_milder


class ComponentKind(StrEnum):
    TILL = "till"
    BACK_END = "back_end"
    SITE = "site"
    FEATURE = "feature"


@dataclass(frozen=True)
class Part:
    """What a component stands for. `target_id`: of a back end, its only target; None: every one."""

    kind: ComponentKind
    site_key: str = ""
    flag_keys: frozenset[str] = frozenset()
    target_id: int | None = None


@dataclass(frozen=True)
class Trouble:
    """Something that was not as it should be in [began_at, ended_at), where it was, and how bad at its worst.

    `site_keys` empty: no site is named. `target_id`: of the target that was taken back.
    """

    state: State
    began_at: datetime
    ended_at: datetime
    site_keys: frozenset[str] = frozenset()
    flag_keys: frozenset[str] = frozenset()
    target_id: int | None = None


def find_touch(part: Part, trouble: Trouble, *, all_sites: frozenset[str]) -> State | None:
    """Return the state that a trouble brings to a component; None where it does not touch it.

    A site and a feature are touched where they are named, a back end where its target was taken back. The till is
    touched by everything; an outage of named sites is a partial one of the till, unless these are all there are.
    """
    match part.kind:
        case ComponentKind.SITE:
            is_touched = part.site_key in trouble.site_keys
        case ComponentKind.FEATURE:
            is_touched = bool(part.flag_keys & trouble.flag_keys)
        case ComponentKind.BACK_END:
            is_touched = trouble.target_id is not None and part.target_id in {None, trouble.target_id}
        case ComponentKind.TILL:
            is_everywhere = not trouble.site_keys or trouble.site_keys >= all_sites
            return trouble.state if is_everywhere else find_milder(trouble.state, State.PARTIAL)
    return trouble.state if is_touched else None
