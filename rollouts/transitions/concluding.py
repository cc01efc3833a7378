"""Ends an investigation: dismissed, or with the rollback that it, or somebody beside it, led to."""

from datetime import datetime

from core.domain.lifecycle import check_move
from core.history import get_recording
from rollouts.domain.investigating import EDGES, State
from rollouts.models import Investigation, Rollback, Rollout


def conclude(investigation: Investigation, end: State, *, rollback: Rollback | None = None, now: datetime) -> None:
    """Move a locked investigation to its end and save it; to be called within `recorded`, whose reason it keeps."""
    check_move(EDGES, start=State(investigation.status), end=end)
    recording = get_recording()
    investigation.status = end
    investigation.ended_at = now
    investigation.conclusion = recording.reason
    investigation.concluded_by = recording.actor.label[:200]
    investigation.rollback = rollback
    investigation.save()


def conclude_with_rollback(rollout: Rollout, rollback: Rollback, *, now: datetime) -> None:
    """End the open investigations of a locked rollout that was taken back whole: nothing is left to decide."""
    open_ones = rollout.investigations.select_for_update(of=("self",)).filter(status=State.OPEN).order_by("pk")
    for investigation in open_ones:
        conclude(investigation, State.ROLLED_BACK, rollback=rollback, now=now)
