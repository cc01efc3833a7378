"""What a person may do with a rollout now, and why not what may not be done."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import Refusal
from core.labels import say_refusal
from rollouts.approval_queries import weigh_plan_approval
from rollouts.domain.approving import ApprovalState
from rollouts.domain.lifecycle import EDGES, ENDED, UNDER_WAY, Status
from rollouts.models import PhaseStatus, Rollout
from rollouts.queries import find_next_step
from rollouts.transitions.approving import find_approval_lack
from rollouts.transitions.reviewing_risks import find_review_lack

#: The plan itself waits, or will wait, for other people.
ASKING = frozenset({Status.DRAFT, Status.AWAITING_APPROVAL})
#: Nothing of it is on yet.
NOT_BEGUN = frozenset({Status.DRAFT, Status.AWAITING_APPROVAL, Status.SCHEDULED})


@dataclass(frozen=True)
class Obstacle:
    """An action that cannot be done now, by its name, and the sentence that says why."""

    action: str
    says: str


@dataclass(frozen=True)
class Doable:
    """What a person may do now, in the order of the buttons, and what somebody might look for and cannot do.

    `approval` is how far the plan's approval is, while one is asked for.
    """

    actions: Sequence[str]
    obstacles: Sequence[Obstacle]
    approval: ApprovalState | None

    @property
    def is_approved(self) -> bool:
        """Whether enough people approved the plan, which nobody has scheduled yet."""
        return self.approval is not None and "schedule" in self.actions


def weigh_actions(rollout: Rollout) -> Doable:
    """Return what may be done now, by the table the transitions obey, and why not the rest."""
    status = Status(rollout.status)
    ends = EDGES[status]
    asks = bool(rollout.environment.required_approvals)
    approval = weigh_plan_approval(rollout) if asks and status in ASKING else None
    unscheduled = find_approval_lack(rollout, approval) if approval is not None else None
    unpromoted = _refuse_promote(rollout, status)
    unreviewed = find_review_lack(rollout) if asks and status is Status.DRAFT else None
    names = {
        "pause": Status.PAUSED in ends,
        "start_now": status is Status.SCHEDULED and not asks,
        "promote": status is Status.RUNNING and unpromoted is None,
        "request_approval": asks and status is Status.DRAFT and unreviewed is None,
        "withdraw": status is Status.AWAITING_APPROVAL,
        "schedule": Status.SCHEDULED in ends and unscheduled is None,
        "resume": Status.RUNNING in ends and status is not Status.SCHEDULED,
        "redraft": status is Status.ROLLED_BACK,
        "cancel": Status.CANCELLED in ends,
        "roll_back": status in UNDER_WAY,
    }
    refusals = {
        "request_approval": unreviewed,
        "schedule": unscheduled,
        "start_now": _refuse_start(rollout, status),
        "promote": unpromoted,
        "cancel": None if status in NOT_BEGUN else Refusal("cancel_has_begun"),
        "roll_back": Refusal("roll_back_not_begun") if status in NOT_BEGUN else None,
    }
    found = [Obstacle(name, say_refusal(refusal)) for name, refusal in refusals.items() if refusal is not None]
    return Doable([name for name, possible in names.items() if possible], [] if status in ENDED else found, approval)


def is_approved(rollout: Rollout) -> bool:
    """Tell whether a plan that waited for approval has it; no query where it does not wait."""
    return rollout.status == Status.AWAITING_APPROVAL and weigh_plan_approval(rollout).holds


def _refuse_start(rollout: Rollout, status: Status) -> Refusal | None:
    if status is not Status.SCHEDULED or not rollout.environment.required_approvals:
        return None
    return Refusal("dates_are_approved", environment=rollout.environment.key)


def _refuse_promote(rollout: Rollout, status: Status) -> Refusal | None:
    if status in NOT_BEGUN | ENDED:
        return None
    if status is not Status.RUNNING:
        return Refusal("promote_while_stopped")
    if rollout.environment.required_approvals:
        return Refusal("dates_are_approved", environment=rollout.environment.key)
    if is_phase_done(rollout):
        return None
    if find_next_step(rollout) is None:
        return Refusal("nothing_planned")
    return Refusal("phase_not_done")


def is_phase_done(rollout: Rollout) -> bool:
    """Tell whether the running phase has no step left while a later one has: it could end early. Two queries."""
    step = find_next_step(rollout)
    return (
        step is not None
        and step.phase.status == PhaseStatus.PENDING
        and (rollout.phases.filter(status=PhaseStatus.RUNNING).exists())
    )
