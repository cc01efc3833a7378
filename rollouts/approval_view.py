"""The card that asks for a decision: how far the approval is, and whether this person may give it."""

from dataclasses import dataclass

from core.models import User
from core.roles import Capability, can
from rollouts.approval_queries import find_authors, weigh_phase_approval
from rollouts.domain.approving import ApprovalState, DecisionMade
from rollouts.domain.lifecycle import UNDER_WAY, Status
from rollouts.domain.templates import Gate
from rollouts.models import Phase, Rollout


@dataclass(frozen=True)
class ApprovalCard:
    """`why_not` is the code of why this person may not decide, empty where they may; `phase` None for the plan.

    `own` is what they decided on the present content, if they did.
    """

    state: ApprovalState
    phase: Phase | None
    why_not: str
    own: DecisionMade | None


def find_approval_card(
    rollout: Rollout, phase: Phase | None, *, of_plan: ApprovalState | None, user: User
) -> ApprovalCard | None:
    """Return what waits for a decision now: the plan, or the end of the running phase; None where nothing does.

    Nine queries where a phase does. `of_plan` is how far the plan's approval is, where it asks for one.
    """
    status = Status(rollout.status)
    if of_plan is not None:
        why_not = "not_asked" if status is Status.DRAFT else _find_why_not(rollout, user)
        return ApprovalCard(of_plan, None, why_not, _find_own(of_plan, user))
    if phase is not None and Gate.APPROVAL in phase.gates and status in UNDER_WAY:
        state = weigh_phase_approval(phase)
        return ApprovalCard(state, phase, _find_why_not(rollout, user), _find_own(state, user))
    return None


def _find_own(state: ApprovalState, user: User) -> DecisionMade | None:
    return next((one for one in state.standing if one.user_id == user.pk), None)


def _find_why_not(rollout: Rollout, user: User) -> str:
    if not can(user, Capability.APPROVE_ROLLOUTS):
        return "no_right"
    return "author" if user.pk in find_authors(rollout) else ""
