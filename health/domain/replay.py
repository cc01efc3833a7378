"""What a guardrail with other settings would have done with the recorded past: values, and what one look leads to."""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from health.domain.exposure import Exposure
from health.domain.guardrail import Act
from health.domain.minutes import A_MINUTE, floor_minute
from health.domain.verdict import Judgement

#: Codes of nothing to judge: no health either.
SILENT = frozenset({"source_silent", "no_requests", "no_baseline", "fault"})


@dataclass(frozen=True)
class Settings:
    """A guardrail as it might have been; `is_tightened`: four fifths of the limit while support was heightened."""

    lane: str
    mode: str
    limit_bp: int
    scope: str
    cool_down: timedelta
    is_tightened: bool = True


@dataclass(frozen=True)
class Frame:
    """How a subject stood from a moment on."""

    since: datetime
    is_judged: bool = False
    is_running: bool = False
    is_heightened: bool = False
    exposures: Sequence[Exposure] = ()


@dataclass(frozen=True)
class Past:
    """A subject as it grew: its frames in the order of time."""

    subject: str
    environment_key: str
    frames: Sequence[Frame] = ()

    def at(self, moment: datetime) -> Frame:
        """Return how it stood just before a moment: what a look at that moment did is not in it yet."""
        index = bisect_left(self.frames, moment, key=lambda frame: frame.since)
        return self.frames[index - 1] if index else Frame(moment)

    def list_ends(self, *, since: datetime, until: datetime) -> list[datetime]:
        """Return the moments within [since, until] from which a flag was not on any more."""
        found = []
        before: frozenset[str] = frozenset()
        for frame in self.frames:
            now = frozenset(one.flag_key for one in frame.exposures) if frame.is_judged else frozenset[str]()
            if before - now and since <= frame.since <= until:
                found.append(frame.since)
            before = now
        return found

    @property
    def first_at(self) -> datetime | None:
        """Return since when any of it was on, None where nothing ever was."""
        return next((frame.since for frame in self.frames if frame.is_judged and frame.exposures), None)

    @property
    def last_at(self) -> datetime | None:
        """Return since when nothing of it is judged any more, None while something is."""
        if not self.frames or (self.frames[-1].is_judged and self.frames[-1].exposures):
            return None
        last = max((i for i, one in enumerate(self.frames) if one.is_judged and one.exposures), default=None)
        return None if last is None else self.frames[last + 1].since

    @property
    def flag_keys(self) -> list[str]:
        return sorted({one.flag_key for frame in self.frames if frame.is_judged for one in frame.exposures})


class Kind(StrEnum):
    """What a line of the answer is."""

    SUSPECTED = "suspected"
    #: A breach that led to nothing: what does not run needs no hold.
    BREACH = "breach"
    ACT = "act"
    SILENT = "silent"
    #: Really it went off here: what it would have said later nobody knows.
    ENDED = "ended"


@dataclass(frozen=True)
class Line:
    """One moment of the answer; `until`: the end of a silence.

    `is_assumed`: it follows an act that was not really taken, so the shop would not have been as it was.
    """

    at: datetime
    flag_key: str
    kind: Kind
    judgement: Judgement | None = None
    act: Act | None = None
    site_key: str = ""
    is_real: bool = False
    is_assumed: bool = False
    until: datetime | None = None

    @property
    def first_at(self) -> datetime | None:
        """Return since when the evidence grew."""
        since = self.judgement.data.get("since") if self.judgement else None
        return datetime.fromisoformat(since) if isinstance(since, str) else None

    @property
    def minutes(self) -> int | None:
        """Return how long it took from the first evidence on, in whole minutes."""
        first = self.first_at
        return None if first is None else int((self.at - first) / A_MINUTE)


@dataclass(frozen=True)
class Replay:
    """The answer for one set of settings; `forgotten_before`: what lay before is past its retention."""

    settings: Settings
    since: datetime
    until: datetime
    flag_keys: Sequence[str]
    lines: Sequence[Line] = ()
    looks: int = 0
    forgotten_before: datetime | None = None

    @property
    def firings(self) -> dict[str, Line]:
        """Return the first act on each flag."""
        found: dict[str, Line] = {}
        for line in self.lines:
            if line.kind is Kind.ACT:
                found.setdefault(line.flag_key, line)
        return found


@dataclass(frozen=True)
class Assumed:
    """What would be otherwise since acts that were not really taken."""

    #: Nobody looks before: it would have been held.
    waits_until: datetime | None = None
    seen_at: datetime | None = None
    stopped: frozenset[str] = field(default_factory=frozenset)
    is_over: bool = False

    @property
    def is_any(self) -> bool:
        return self != Assumed()

    def is_waiting(self, now: datetime) -> bool:
        return self.is_over or (self.waits_until is not None and now <= self.waits_until)

    def change(self, exposure: Exposure) -> Exposure:
        """Return an exposure with what would have been dealt with."""
        known = [moment for moment in (exposure.seen_at, self.seen_at) if moment is not None]
        return replace(exposure, seen_at=max(known, default=None)) if self.seen_at else exposure

    def hold(self, *, now: datetime, cool_down: timedelta) -> "Assumed":
        """Return what is assumed after a hold: that somebody let it go on when the cool-down was over."""
        return replace(self, waits_until=now + cool_down, seen_at=now + cool_down)

    def take_back(self, flag_key: str, *, scope: str, now: datetime) -> "Assumed":
        """Return what is assumed after a rollback: the flag, or all, would say nothing any more."""
        return replace(self, stopped=self.stopped | {flag_key}, seen_at=now, is_over=scope == "rollout")


def list_looks(*, since: datetime, until: datetime, also: Collection[datetime]) -> Iterator[datetime]:
    """Yield when to look, in order: at the end of each minute, and when something was really decided."""
    extra = sorted({moment for moment in also if since < moment <= until and moment != floor_minute(moment)})
    index = 0
    now = floor_minute(since) + A_MINUTE
    while now <= until:
        while index < len(extra) and extra[index] < now:
            yield extra[index]
            index += 1
        yield now
        now += A_MINUTE
    yield from extra[index:]
