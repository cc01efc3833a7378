"""A due step that fails: tried again, less and less often, then held and told."""

from datetime import datetime

from django.db import transaction

from core.actors import SCHEDULER
from core.errors import Refusal
from core.history import recorded
from core.reasons import write_reason
from rollouts.domain.lifecycle import DRIVEN, Status
from rollouts.domain.step_retry import delay_after
from rollouts.models import Rollout, StepFault
from rollouts.queries import find_next_step
from rollouts.transitions.driving import REASON_DUE, hold_rollout, start_running
from rollouts.transitions.locking import get_locked_rollout

CODE = "step_failed"
LONGEST_ERROR = 200


@transaction.atomic
def note_step_fault(*, rollout_id: int, error: Exception, now: datetime) -> StepFault | None:
    """Count one more failure of a rollout's due step and return what is known of it.

    None where no further attempt is to come: the rollout does not run (any more), or this was the
    last one, after which it is held and people are told.
    """
    rollout = get_locked_rollout(rollout_id)
    if rollout.status not in DRIVEN:
        return None
    known = StepFault.objects.filter(rollout=rollout).first()
    attempts = 1 if known is None else known.attempts + 1
    delay = delay_after(attempts)
    if delay is None:
        _hold(rollout, attempts=attempts, error=error, now=now)
        return None
    fault, _made = StepFault.objects.update_or_create(
        rollout=rollout,
        defaults={
            "attempts": attempts,
            "last_error": name_error(error),
            "next_attempt_at": now + delay,
        },
    )
    return fault


def _hold(rollout: Rollout, *, attempts: int, error: Exception, now: datetime) -> None:
    if rollout.status == Status.SCHEDULED:
        # It began, by its plan, and its first step failed: what is held is a rollout under way.
        with recorded(actor=SCHEDULER, reason=REASON_DUE, now=now):
            start_running(rollout, now=now)
    step = find_next_step(rollout)
    hold_rollout(
        rollout_id=rollout.pk,
        code=CODE,
        data={"flags": [step.flag.key] if step else [], "error": name_error(error)},
        actor=SCHEDULER,
        reason=write_reason(CODE, attempts=attempts, error=name_error(error)),
        now=now,
    )
    clear_step_fault(rollout_id=rollout.pk)


def clear_step_fault(*, rollout_id: int) -> None:
    """Forget failures: the rollout goes on, or waits for a person."""
    StepFault.objects.filter(rollout=rollout_id).delete()


def name_error(error: Exception) -> str:
    """Return what failed in a word or two: a refusal's code, else the kind of the fault; never data."""
    return (error.code if isinstance(error, Refusal) else type(error).__name__)[:LONGEST_ERROR]
