"""What the pages of flags show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from flags.models import Flag, FlagState, Rule


@dataclass(frozen=True)
class FlagRow:
    """A flag with its states in the order of environments."""

    flag: Flag
    states: Sequence[FlagState]


def list_flag_rows() -> list[FlagRow]:
    """Return every flag in use with its states: two queries."""
    states = FlagState.objects.select_related("environment").order_by("environment__position", "environment__key")
    by_flag: dict[int, list[FlagState]] = {}
    for state in states:
        by_flag.setdefault(state.flag_id, []).append(state)
    return [FlagRow(flag, by_flag.get(flag.pk, [])) for flag in Flag.objects.filter(archived_at=None)]


def list_states(flag: Flag) -> list[FlagState]:
    """Return a flag's states with their rules, in the order of environments: two queries."""
    rows = flag.states.select_related("environment").prefetch_related("rules__segment", "rules__site")
    return list(rows.order_by("environment__position", "environment__key"))


@dataclass(frozen=True)
class Change:
    """One line of a flag's history."""

    at: datetime
    what: str
    actor: str
    reason: str


def list_changes(flag: Flag, *, limit: int = 30) -> list[Change]:
    """Return the newest changes of a flag, its states and its rules."""
    state_ids = list(flag.states.values_list("pk", flat=True))
    rows = chain(
        Flag.history.filter(id=flag.pk)[:limit],
        FlagState.history.filter(id__in=state_ids).select_related("environment")[:limit],
        Rule.history.filter(state_id__in=state_ids).select_related("state__environment", "site", "segment")[:limit],
    )
    changes = [Change(row.history_date, _what(row), row.actor_label, row.history_change_reason) for row in rows]
    return sorted(changes, key=lambda change: change.at, reverse=True)[:limit]


def _what(row: object) -> str:
    mark = {"+": "+", "~": "~", "-": "−"}[getattr(row, "history_type")]  # noqa: B009  # made by the library
    environment = getattr(row, "environment", None) or getattr(getattr(row, "state", None), "environment", None)
    place = f"{environment}: " if environment is not None else ""
    if hasattr(row, "killed_at"):
        state = "kill switch" if row.killed_at else ("on" if getattr(row, "is_on", False) else "off")
        return f"{mark} {place}{state}"
    if hasattr(row, "variant"):
        whom = getattr(row, "site", None) or getattr(row, "segment", None) or "everyone"
        return f"{mark} {place}{row.variant} → {whom}"
    return f"{mark} flag"


def get_version(state: FlagState) -> int:
    """Return the newest history id of a state: what a form saw, to notice a change meanwhile."""
    return int(state.history.values_list("history_id", flat=True).first() or 0)
