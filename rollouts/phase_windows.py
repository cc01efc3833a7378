"""When a rollout's phases really ran: from their begin to the next one's, or to now."""

from dataclasses import dataclass
from datetime import datetime

from health.chart_queries import Window
from rollouts.models import Phase, PhaseStatus, Rollout


@dataclass(frozen=True)
class PhaseWindow:
    """A phase and its stretch of time; `window` None of one that has not begun."""

    phase: Phase
    number: int
    window: Window | None


def list_phase_windows(rollout: Rollout, *, now: datetime) -> list[PhaseWindow]:
    """Return a rollout's phases in order, with when they ran: from the rows prefetched, else one query."""
    phases = list(rollout.phases.all())
    last = min(now, rollout.ended_at or now)
    found = []
    for number, phase in enumerate(phases, start=1):
        following = next((one for one in phases[number:] if one.status != PhaseStatus.PENDING), None)
        until = _find_end(phase, following, last=last)
        begun = phase.status != PhaseStatus.PENDING and phase.starts_at < until
        window = Window(f"phase:{phase.position}", phase.starts_at, until) if begun else None
        found.append(PhaseWindow(phase, number, window))
    return found


def find_release_window(windows: list[PhaseWindow]) -> Window | None:
    """Return the stretch from the first phase's begin to the last one's end, None before it began."""
    begun = [one.window for one in windows if one.window]
    if not begun:
        return None
    return Window("release", min(one.since for one in begun), max(one.until for one in begun))


def _find_end(phase: Phase, following: Phase | None, *, last: datetime) -> datetime:
    """A phase that waits for its gate goes on beyond its days."""
    if following is not None:
        return min(following.starts_at, last)
    return min(phase.ends_at, last) if phase.status == PhaseStatus.DONE else last
