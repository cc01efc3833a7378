"""Locks and moves that every transition of a rollout shares."""

from collections.abc import Mapping
from datetime import datetime

from core.domain.lifecycle import check_move
from core.errors import InvalidInput, Refusal
from rollouts.domain.lifecycle import EDGES, ENDED, Status
from rollouts.models import Rollout


def get_locked_rollout(rollout_id: int, *, seen_epoch: int | None = None) -> Rollout:
    """Return the locked rollout; refuse an unknown one, and a person who saw an older state."""
    rollout = (
        Rollout.objects.select_for_update(of=("self",))
        .select_related("release", "environment")
        .filter(pk=rollout_id)
        .first()
    )
    if rollout is None:
        raise InvalidInput("rollout_unknown", rollout=rollout_id)
    if seen_epoch is not None and seen_epoch != rollout.epoch:
        raise Refusal("changed_meanwhile", rollout=rollout_id)
    return rollout


def move(
    rollout: Rollout,
    end: Status,
    *,
    now: datetime,
    held_code: str = "",
    held_data: Mapping[str, object] | None = None,
) -> None:
    """Move a locked rollout along an edge and save it; to be called within `recorded`.

    `held_data` says what stops it: `flags`, and in `changes` who did what to which and why.
    """
    check_move(EDGES, start=Status(rollout.status), end=end)
    rollout.status = end
    rollout.epoch += 1
    rollout.held_code = held_code
    rollout.held_data = dict(held_data or {})
    rollout.ended_at = now if end in ENDED else None
    rollout.save()
