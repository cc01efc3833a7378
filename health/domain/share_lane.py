"""A lane that judges a share: of failed requests, or of slow ones. Its test may be looked at all the time.

What is remembered between two looks is what the minutes that are over have said. The minute under way, and the last
one, of which something may still be on its way to the database, are taken in anew at each look.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import ceil, floor

from health.domain.exposure import Exposure
from health.domain.minutes import A_MINUTE, floor_minute
from health.domain.sequential import BREACH_EVIDENCE, SUSPICION, Detector, Minute, advance
from health.domain.verdict import Judgement, Verdict
from health.domain.wilson import quantile, wilson_lower, wilson_upper

WHOLE_BP = 10_000
PASS_Z = quantile(0.95)
#: A pass is of the last quarter of an hour.
WINDOW = timedelta(minutes=15)
#: The longest sample covers five minutes: who has sent nothing for longer is silent, and what is older came late.
SILENT_AFTER = timedelta(minutes=6)
#: What is stored later than this after its receipt is not counted.
SETTLED_AFTER = timedelta(seconds=30)
#: A lane that begins to look at what has run for long looks back so far.
LONGEST_LOOK_BACK = timedelta(hours=24)
#: Codes of too few requests for a pass, whatever they say.
TOO_LITTLE = frozenset({"no_requests", "too_few_requests"})


@dataclass(frozen=True, slots=True)
class SeenMinute:
    """A minute of receipt: what came from where the flag is on, and where it is not.

    `ends_at`: the end of the newest of the exposed samples, None without any.
    """

    at: datetime
    exposed: Minute
    unexposed: Minute = field(default_factory=Minute)
    ends_at: datetime | None = None
    received_at: datetime | None = None

    @property
    def is_late(self) -> bool:
        """Tell whether all that came tells of the past."""
        return self.ends_at is None or self.ends_at < self.at - SILENT_AFTER


@dataclass(frozen=True, slots=True)
class Recent:
    """What a minute adds to the window of a pass."""

    at: datetime
    requests: int
    errors: int


@dataclass(frozen=True, slots=True)
class Side:
    """What the requests of one side have said: where the flag is on, or where it is not."""

    detector: Detector = field(default_factory=Detector)
    recent: tuple[Recent, ...] = ()

    def take_in(self, at: datetime, minute: Minute, *, limit: float, is_late: bool) -> "Side":
        """Return the side after one more minute."""
        detector = advance(self.detector, minute, at=at, limit=limit)
        if is_late or not minute.requests:
            return replace(self, detector=detector)
        return Side(detector, (*self.recent, Recent(at, minute.requests, minute.errors)))

    def forget(self, *, before: datetime) -> "Side":
        """Return the side without what has left the window."""
        return replace(self, recent=tuple(one for one in self.recent if one.at >= before))

    @property
    def requests(self) -> int:
        return sum(one.requests for one in self.recent)

    @property
    def errors(self) -> int:
        return sum(one.errors for one in self.recent)

    @property
    def upper_bp(self) -> int | None:
        """Return the 95 % upper bound of the share, every error counted."""
        return ceil(WHOLE_BP * wilson_upper(self.errors, self.requests, z=PASS_Z)) if self.requests else None

    @property
    def rate_bp(self) -> int | None:
        return floor(WHOLE_BP * self.errors / self.requests) if self.requests else None


@dataclass(frozen=True, slots=True)
class Memory:
    """What a lane knows of one flag after the minutes before `until`. Void for another beginning or limit."""

    floor_at: datetime
    #: The share, and what the guardrail was set to, of which a lane may have made the share.
    limit_bp: int
    setting_bp: int
    until: datetime
    exposed: Side = field(default_factory=Side)
    unexposed: Side = field(default_factory=Side)
    ends_at: datetime | None = None
    received_at: datetime | None = None


def begin(exposure: Exposure, *, limit_bp: int, setting_bp: int, now: datetime) -> Memory:
    """Return the memory of a lane that has not looked yet."""
    floor_at = exposure.blamed_from
    return Memory(floor_at, limit_bp, setting_bp, floor_minute(max(floor_at, now - LONGEST_LOOK_BACK)))


def is_still_good(memory: Memory, exposure: Exposure, *, limit_bp: int, setting_bp: int) -> bool:
    """Tell whether a memory is of this beginning and limit."""
    known = (memory.floor_at, memory.limit_bp, memory.setting_bp)
    return known == (exposure.blamed_from, limit_bp, setting_bp)


def take_in(memory: Memory, minutes: Iterable[SeenMinute], *, before: datetime) -> Memory:
    """Return the memory after the minutes that begin before a moment, in their order."""
    limit = memory.limit_bp / WHOLE_BP
    exposed, unexposed = memory.exposed, memory.unexposed
    ends_at, received_at = memory.ends_at, memory.received_at
    for minute in minutes:
        if not memory.until <= minute.at < before:
            continue
        exposed = exposed.take_in(minute.at, minute.exposed, limit=limit, is_late=minute.is_late)
        unexposed = unexposed.take_in(minute.at, minute.unexposed, limit=limit, is_late=False)
        ends_at = max(filter(None, (ends_at, minute.ends_at)), default=None)
        received_at = max(filter(None, (received_at, minute.received_at)), default=None)
    oldest = before - WINDOW
    return replace(
        memory,
        until=max(memory.until, floor_minute(before)),
        exposed=exposed.forget(before=oldest),
        unexposed=unexposed.forget(before=oldest),
        ends_at=ends_at,
        received_at=received_at,
    )


def remember(memory: Memory, minutes: Iterable[SeenMinute], *, now: datetime) -> Memory:
    """Return what to keep for the next look: the minutes to which nothing is added any more."""
    return take_in(memory, minutes, before=floor_minute(now - SETTLED_AFTER))


def judge_share(
    exposure: Exposure, memory: Memory, minutes: Iterable[SeenMinute], *, lane: str, threshold: str, now: datetime
) -> Judgement:
    """Return the verdict of a lane on one flag now. Codes begin with the lane's name, those of no verdict do not."""
    seen = take_in(memory, minutes, before=now + A_MINUTE)
    evidence = seen.exposed.detector.evidence
    if evidence >= BREACH_EVIDENCE:
        # Where it is off so many need not be sure: whoever shares the fault is not helped by a rollback.
        everywhere = seen.unexposed.detector.evidence >= SUSPICION
        code = f"{lane}_everywhere" if everywhere else lane
        return _say_evidence(exposure, seen, Verdict.BREACH, code, lane=lane, threshold=threshold, now=now)
    if evidence >= SUSPICION:
        code = f"{lane}_suspected"
        return _say_evidence(exposure, seen, Verdict.INCONCLUSIVE, code, lane=lane, threshold=threshold, now=now)
    verdict, code = _judge_calm(seen, lane=lane, now=now)
    return Judgement(
        verdict=verdict,
        lane=lane,
        flag_key=exposure.flag_key,
        n=seen.exposed.requests,
        k=seen.exposed.errors,
        window_start=max(now - WINDOW, seen.floor_at),
        window_end=now,
        threshold=threshold,
        code=code,
        data={"minutes": int(WINDOW.total_seconds() // 60)},
        bound_bp=seen.exposed.upper_bp,
        baseline_bp=seen.unexposed.rate_bp,
    )


def _judge_calm(seen: Memory, *, lane: str, now: datetime) -> tuple[Verdict, str]:
    """Return pass, or why it is none. A pass counts every error: clumps excuse a breach, never make a pass."""
    figures = seen.exposed
    if seen.ends_at is not None and seen.ends_at < now - SILENT_AFTER:
        return Verdict.INCONCLUSIVE, "source_silent"
    if not figures.requests:
        return Verdict.INCONCLUSIVE, "no_requests"
    limit = seen.limit_bp / WHOLE_BP
    if wilson_upper(0, figures.requests, z=PASS_Z) >= limit:
        return Verdict.INCONCLUSIVE, "too_few_requests"
    if wilson_upper(figures.errors, figures.requests, z=PASS_Z) < limit:
        return Verdict.PASS, f"{lane}_low"
    return Verdict.INCONCLUSIVE, f"{lane}_unsure"


def _say_evidence(
    exposure: Exposure, seen: Memory, verdict: Verdict, code: str, *, lane: str, threshold: str, now: datetime
) -> Judgement:
    """Return a judgement on what was seen since the evidence began to grow."""
    detector = seen.exposed.detector
    data: Mapping[str, object] = {"odds": int(detector.evidence), "since": (detector.since or now).isoformat()}
    return Judgement(
        verdict=verdict,
        lane=lane,
        flag_key=exposure.flag_key,
        n=detector.requests,
        k=detector.errors,
        window_start=max(detector.since or seen.floor_at, seen.floor_at),
        window_end=now,
        threshold=threshold,
        code=code,
        data=data,
        detected_at=seen.received_at if verdict is Verdict.BREACH else None,
        bound_bp=floor(WHOLE_BP * wilson_lower(detector.errors, detector.requests, z=PASS_Z)),
        baseline_bp=seen.unexposed.rate_bp,
    )
