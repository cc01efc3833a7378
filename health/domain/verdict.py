"""Four verdicts, always. Missing data is a verdict of its own, never healthy."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105  # a verdict
    BREACH = "breach"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


@dataclass(frozen=True)
class Judgement:
    """A verdict on one flag with the numbers behind it: k of n in [window_start, window_end)."""

    verdict: Verdict
    lane: str
    flag_key: str
    n: int
    k: int
    window_start: datetime
    window_end: datetime
    threshold: str
    code: str
    data: Mapping[str, object]
    detected_at: datetime | None = None
    #: Basis points: the bound that decided, and the rate where the flag is not on.
    bound_bp: int | None = None
    baseline_bp: int | None = None


def say_fault(lane: str, *, flag_key: str, threshold: str, since: datetime, now: datetime, fault: str) -> Judgement:
    """Return the verdict of a lane that could not judge, whatever kept it from it: never healthy."""
    return Judgement(
        verdict=Verdict.ERROR,
        lane=lane,
        flag_key=flag_key,
        n=0,
        k=0,
        window_start=since,
        window_end=now,
        threshold=threshold,
        code="fault",
        data={"fault": fault},
    )
