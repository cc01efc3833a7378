"""How long an operation still takes, by how long its steps took before. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: Of a step that nobody has timed yet.
UNKNOWN_SECONDS = 5.0
#: A step that takes longer than before is never shown as over.
MOST_SHARE = 0.95


@dataclass(frozen=True)
class Progress:
    """`share_bp`: done so far, basis points; `left_seconds`: of the steps that were timed before, None without any."""

    share_bp: int
    left_seconds: float | None


@dataclass(frozen=True)
class StepTime:
    """`is_over`: done or not needed; `run_seconds`: how long it has run already, None before it begins."""

    code: str
    is_over: bool
    run_seconds: float | None = None


def estimate(steps: Sequence[StepTime], *, before: Mapping[str, float]) -> Progress:
    """Return how far an operation is. `before`: seconds that each step took the last time, by code."""
    total, done, left = 0.0, 0.0, 0.0
    for step in steps:
        seconds = max(before.get(step.code, UNKNOWN_SECONDS), 0.1)
        done_here = seconds if step.is_over else min(step.run_seconds or 0.0, seconds * MOST_SHARE)
        total, done = total + seconds, done + done_here
        # What nobody timed is a guess for the bar alone: a time that is told comes from one source.
        left += seconds - done_here if step.code in before else 0.0
    is_known = any(step.code in before for step in steps)
    return Progress(round(10_000 * done / (total or 1.0)), left if is_known else None)
