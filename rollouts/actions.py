"""What is done to a rollout in one call, by its name: the same on pages, over the API and in a shell."""

from collections.abc import Callable, Mapping

from rollouts.models import Rollout
from rollouts.transitions import cancel_rollout, pause_rollout, redraft_rollout, schedule_rollout
from rollouts.transitions.approving import request_approval, withdraw_request
from rollouts.transitions.hastening import promote_early, start_now

#: Each takes rollout_id, actor, reason, now, seen_epoch.
ACTIONS: Mapping[str, Callable[..., Rollout]] = {
    "schedule": schedule_rollout,
    "pause": pause_rollout,
    "request_approval": request_approval,
    "withdraw": withdraw_request,
    "start_now": start_now,
    "promote": promote_early,
    "cancel": cancel_rollout,
    "redraft": redraft_rollout,
}
