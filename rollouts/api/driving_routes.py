"""Routes that drive a rollout: the transitions of its page, each with a reason; approving is none of them."""

from collections.abc import Callable

from django.http import HttpRequest
from ninja import Router
from pydantic import ConfigDict, Field, model_validator

from core import clock
from flags.rest import REFUSED, Epoch, Reason, Refused, Wish, caller_of
from rollouts.actions import ACTIONS
from rollouts.api.rollout_routes import ROLLOUT
from rollouts.api.schemas import Key, RolloutAnswer, get_own_rollout, say_rollout
from rollouts.models import Trigger
from rollouts.transitions import acknowledge_flag, resume_rollout, roll_back
from rollouts.transitions.approving import decide_plan
from rollouts.wishes import find_flag_ids

router = Router(tags=["Driving"])
MOST_FLAGS = 200
RESPONSES = {200: RolloutAnswer, REFUSED: Refused}
#: Of the actions that take nothing but a reason: what they are called, and what they do.
TOLD = {
    "schedule": (
        "Schedule",
        "Let the scheduler begin at the first step, once every approval asked for is there.",
    ),
    "pause": ("Pause", "Stop before the next step; what is on stays on."),
    "request_approval": ("Ask for approval", "Let a draft wait for other people's approval, and tell them."),
    "withdraw": ("Withdraw the request", "Take a plan that waits for approval back to its draft."),
    "start_now": (
        "Start now",
        "Let a scheduled rollout begin today; what follows keeps its days and hours, counted from today.",
    ),
    "promote": ("Promote early", "Let the next phase begin today; the running one's other gates must hold."),
    "cancel": ("Cancel", "Give up a rollout that has not begun."),
    "redraft": ("Plan anew", "Make a new attempt of a rolled-back rollout: a draft with new dates."),
}


class ActBody(Wish):
    """Why, and the state that the caller saw."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "Lunch is over", "epoch": 9}]})

    reason: Reason
    epoch: Epoch = None


class ResumeBody(ActBody):
    waive_gate: bool = Field(False, description="Let the phase that is held at its gate end all the same")


class RollBackBody(ActBody):
    """Which flags, or all of them."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "Wrong prices in Lyon", "flags": ["price_buttons"]}]}
    )

    flags: list[Key] | None = Field(None, min_length=1, max_length=MOST_FLAGS, description="Keys; none with `all`")
    all: bool = Field(False, description="Take every flag back and end the rollout")

    @model_validator(mode="after")
    def _check_one(self) -> "RollBackBody":
        if self.all == (self.flags is not None):
            raise ValueError("say either flags or all")
        return self


class AcknowledgeBody(ActBody):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "The rounding is mended in 1.3.1", "flag": "price_buttons"}]}
    )

    flag: Key


def _answer(request: HttpRequest, rollout_id: int) -> RolloutAnswer:
    return say_rollout(get_own_rollout(caller_of(request), rollout_id))


def _make_route(name: str) -> Callable[[HttpRequest, int, ActBody], RolloutAnswer]:
    def act(request: HttpRequest, rollout_id: int, wish: ActBody) -> RolloutAnswer:
        caller = caller_of(request)
        get_own_rollout(caller, rollout_id)
        ACTIONS[name](
            rollout_id=rollout_id, actor=caller.actor, reason=wish.reason, now=clock.now(), seen_epoch=wish.epoch
        )
        return _answer(request, rollout_id)

    return act


for _name, (_summary, _description) in TOLD.items():
    router.post(
        f"{ROLLOUT}/{_name.replace('_', '-')}",
        response=RESPONSES,
        operation_id=f"{_name}_rollout",
        summary=_summary,
        description=_description,
    )(_make_route(_name))


@router.post(f"{ROLLOUT}/resume", response=RESPONSES, operation_id="resume_rollout", summary="Resume")
def resume(request: HttpRequest, rollout_id: int, wish: ResumeBody) -> RolloutAnswer:
    """Go on after a pause or a hold."""
    caller = caller_of(request)
    get_own_rollout(caller, rollout_id)
    resume_rollout(
        rollout_id=rollout_id,
        actor=caller.actor,
        reason=wish.reason,
        now=clock.now(),
        waive_gate=wish.waive_gate,
        seen_epoch=wish.epoch,
    )
    return _answer(request, rollout_id)


@router.post(f"{ROLLOUT}/roll-back", response=RESPONSES, operation_id="roll_back", summary="Roll back")
def take_back(request: HttpRequest, rollout_id: int, wish: RollBackBody) -> RolloutAnswer:
    """Switch flags off for everyone, at once, and hold the rollout; with all of them it ends as rolled back."""
    caller = caller_of(request)
    rollout = get_own_rollout(caller, rollout_id)
    roll_back(
        rollout_id=rollout_id,
        flag_ids=None if wish.flags is None else find_flag_ids(rollout, wish.flags),
        trigger=Trigger.MANUAL,
        actor=caller.actor,
        reason=wish.reason,
        now=clock.now(),
        seen_epoch=wish.epoch,
    )
    return _answer(request, rollout_id)


@router.post(
    f"{ROLLOUT}/acknowledge", response=RESPONSES, operation_id="acknowledge_flag", summary="Acknowledge a rollback"
)
def acknowledge(request: HttpRequest, rollout_id: int, wish: AcknowledgeBody) -> RolloutAnswer:
    """Note that it is known why a flag was taken back; it stays off."""
    caller = caller_of(request)
    [flag_id] = find_flag_ids(get_own_rollout(caller, rollout_id), [wish.flag])
    acknowledge_flag(
        rollout_id=rollout_id,
        flag_id=flag_id,
        actor=caller.actor,
        reason=wish.reason,
        now=clock.now(),
        seen_epoch=wish.epoch,
    )
    return _answer(request, rollout_id)


@router.post(
    f"{ROLLOUT}/approve",
    response={200: None, REFUSED: Refused},
    tags=["Approvals"],
    operation_id="approve_plan",
    summary="Approve: always refused",
)
def approve(request: HttpRequest, rollout_id: int) -> None:
    """403 `approval_by_no_person`: an approval is given by a person who is signed in, on the rollout's page."""
    caller = caller_of(request)
    get_own_rollout(caller, rollout_id)
    decide_plan(rollout_id=rollout_id, is_approved=True, seen_hash="", actor=caller.actor, reason="", now=clock.now())
