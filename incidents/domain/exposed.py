"""Who saw what from when to when, told by a rollout's story: steps that gave something, and whatever took it away."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

#: A step gives a flag to an audience.
GIVES = "step_done"
#: These take flags from everybody; a new attempt begins with nothing on.
TAKES_ALL = frozenset({"flag_rolled_back", "rolled_back"})
#: What of a story is asked for.
KINDS = frozenset(
    {GIVES, *TAKES_ALL, "phase_rolled_back", "steps_undone", "site_rolled_back", "site_given_back", "redrafted"}
)


@dataclass(frozen=True)
class Told:
    """A line of the story."""

    at: datetime
    kind: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Seen:
    """An audience that saw a flag, in [since, until); it still does where `until` is None. `ended_by`: what took it."""

    flag: str
    audience: str
    phase: str
    since: datetime
    until: datetime | None
    ended_by: str


@dataclass(frozen=True)
class Shut:
    """A site that was kept off, whatever reached everyone, in [since, until)."""

    site: str
    flags: tuple[str, ...]
    since: datetime
    until: datetime | None


class _Ledger:
    def __init__(self) -> None:
        self.open: dict[tuple[str, str], Seen] = {}
        self.seen: list[Seen] = []

    def give(self, told: Told) -> None:
        flag, audience, phase = (str(told.data.get(name, "")) for name in ("flag", "audience", "phase"))
        self.open.setdefault((flag, audience), Seen(flag, audience, phase, told.at, None, ""))

    def take(self, told: Told, **only: str) -> None:
        """End what is open: of the flags that the line names, of all where it names none; `only` narrows."""
        flags = {str(flag) for flag in told.data.get("flags", ())}
        for key, seen in list(self.open.items()):
            is_named = not flags or seen.flag in flags
            if is_named and all(getattr(seen, name) == value for name, value in only.items()):
                ended = Seen(seen.flag, seen.audience, seen.phase, seen.since, told.at, told.kind)
                self.seen.append(ended)
                del self.open[key]


def trace_seen(story: Iterable[Told]) -> list[Seen]:
    """Return who saw what, by when it began; the story is in its order."""
    ledger = _Ledger()
    for told in story:
        if told.kind == GIVES:
            ledger.give(told)
        elif told.kind in TAKES_ALL:
            ledger.take(told)
        elif told.kind == "phase_rolled_back":
            ledger.take(told, phase=str(told.data.get("phase", "")))
        elif told.kind in {"steps_undone", "site_rolled_back"}:
            ledger.take(told, audience=str(told.data.get("audience", "")))
        elif told.kind == "redrafted":
            ledger.take(Told(told.at, told.kind, {}))
    found = [*ledger.seen, *ledger.open.values()]
    return sorted(found, key=lambda one: (one.since, one.audience, one.flag))


def trace_shut(story: Iterable[Told]) -> list[Shut]:
    """Return which sites were kept off from when to when, by when it began."""
    shut: dict[str, Shut] = {}
    found: list[Shut] = []
    for told in story:
        site = str(told.data.get("audience", ""))
        if told.kind == "site_rolled_back":
            flags = tuple(sorted(str(flag) for flag in told.data.get("flags", ())))
            shut.setdefault(site, Shut(site, flags, told.at, None))
        elif told.kind in {"site_given_back", "redrafted"}:
            over = [site] if told.kind == "site_given_back" else list(shut)
            for name in over:
                if name in shut:
                    one = shut.pop(name)
                    found.append(Shut(one.site, one.flags, one.since, told.at))
    return sorted([*found, *shut.values()], key=lambda one: (one.since, one.site))
