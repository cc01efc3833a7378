"""Routes that read rollouts, and the one that plans."""

from datetime import date, datetime, time
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router, Status
from pydantic import AfterValidator, ConfigDict, Field

from core import clock
from core.fields import FIRST_DAY, LAST_DAY
from flags.rest import REFUSED, ROWS, Answer, Cursor, Limit, Reason, Refused, Wish, caller_of, cut_page
from rollouts.api.schemas import (
    Key,
    RolloutAnswer,
    StepAnswer,
    get_own_rollout,
    get_own_rollouts,
    say_rollout,
    say_step,
)
from rollouts.approval_queries import weigh_plan_approval
from rollouts.domain.lifecycle import Status as State
from rollouts.drawing import Plan, draw_plan
from rollouts.models import Approval
from rollouts.transitions import plan_rollout
from rollouts.wishes import PlanWish, find_plan_request

router = Router(tags=["Rollouts"])
ROLLOUT = "/rollouts/{int:rollout_id}"
MOST_SITES, MOST_PILOTS = 1_000, 500

PLAN: dict[str, Any] = {
    "release": "1.3.0",
    "sites": ["lyon", "nantes", "lille"],
    "start_on": "2026-11-30",
    "promotion_time": "06:00",
    "testers": "testers",
    "pilots": ["cashier-17", "cashier-23", "cashier-42"],
    "reason": "Agreed with the shops",
}


def _check_local(hour: time) -> time:
    if hour.tzinfo is not None or hour.second or hour.microsecond:
        raise ValueError("an hour and a minute without an offset, such as 06:00")
    return hour


class PlanBody(Wish):
    """A plan: what, where in which order, with whom, and from when; a start day or a rehearsal's day."""

    model_config = ConfigDict(json_schema_extra={"examples": [PLAN | {"dry_run": True}]})

    release: str = Field(min_length=1, max_length=50, description="A release's version")
    sites: list[Key] = Field(max_length=MOST_SITES, description="Keys, one a day, in this order")
    start_on: Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)] | None = Field(None, description="The first day")
    day_seconds: Annotated[int, Field(ge=1, le=86_400)] | None = Field(
        None, description="A rehearsal from now on, whose days last so long"
    )
    promotion_time: Annotated[time, AfterValidator(_check_local)] = Field(
        time(6), description="Hour of promotions by each site's own clock: no offset, whole minutes"
    )
    template: str = Field("", max_length=100, description="A plan template's key; empty: the built-in one")
    testers: str = Field("", max_length=100, description="A segment's key, where the template has testers")
    pilots: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        [], max_length=MOST_PILOTS, description="Targeting keys, where the template has pilots"
    )
    allows_holidays: bool = Field(False, description="Whether it may go on on public holidays at sites open then")
    request_id: str = Field(
        "", max_length=100, description="Your own name for this wish, such as a run's: asked again, it is planned once"
    )
    dry_run: bool = Field(False, description="Answer the dated steps and write nothing")
    reason: Reason

    def to_wish(self) -> PlanWish:
        """Return what is asked for, without what the API adds to it."""
        return PlanWish(**{name: getattr(self, name) for name in PlanWish.__dataclass_fields__})


class DrawnStep(Answer):
    """A step of a plan that is not written: when, which flag, for whom."""

    phase: str
    day: int
    due_at: datetime
    flag: str
    audience: str
    site: str | None
    share_bp: int | None


class DrawnPlan(Answer):
    """A plan as it would be, with codes of what is odd about it."""

    steps: list[DrawnStep]
    warnings: list[str]


class RolloutPage(Answer):
    items: list[RolloutAnswer]
    next: int | None


class StepPage(Answer):
    items: list[StepAnswer]
    next: int | None


class ApprovalAnswer(Answer):
    """One person's decision on what they saw: the plan, or with `phase` that this phase may end."""

    id: int
    phase: str | None
    decision: str
    decided_by: str
    decided_at: datetime
    comment: str
    content_hash: str


class Approvals(Answer):
    """How far the plan's approval is, by its present content, and every decision ever made."""

    needed: int
    missing: int
    holds: bool
    content_hash: str
    items: list[ApprovalAnswer]
    next: int | None


StateFilter = Annotated[State | None, Query(description="Only those in this state")]


@router.get(
    "/rollouts", response={200: RolloutPage, REFUSED: Refused}, operation_id="list_rollouts", summary="List rollouts"
)
def list_all(
    request: HttpRequest, status: StateFilter = None, limit: Limit = ROWS, cursor: Cursor = None
) -> RolloutPage:
    """Rollouts of the token's environment, newest first."""
    rows = get_own_rollouts(caller_of(request))
    found, following = cut_page(rows.filter(status=status) if status else rows, limit=limit, cursor=cursor)
    return RolloutPage(items=[say_rollout(row) for row in found], next=following)


@router.post(
    "/rollouts",
    response={201: RolloutAnswer, 200: DrawnPlan, REFUSED: Refused},
    operation_id="plan_rollout",
    summary="Plan a rollout",
)
def plan(request: HttpRequest, wish: PlanBody) -> Status[Any]:
    """A draft with its dated steps: 201. With `dry_run` the steps as they would be, nothing written: 200."""
    caller, now = caller_of(request), clock.now()
    asked = find_plan_request(wish.to_wish(), environment_id=caller.environment.pk)
    if wish.dry_run:
        return Status(200, _say_plan(draw_plan(asked, now=now)))
    rollout = plan_rollout(request=asked, actor=caller.actor, reason=wish.reason, now=now)
    return Status(201, say_rollout(get_own_rollout(caller, rollout.pk)))


@router.get(
    ROLLOUT, response={200: RolloutAnswer, REFUSED: Refused}, operation_id="show_rollout", summary="Show a rollout"
)
def show(request: HttpRequest, rollout_id: int) -> RolloutAnswer:
    """One rollout with its flags and phases."""
    return say_rollout(get_own_rollout(caller_of(request), rollout_id))


@router.get(
    f"{ROLLOUT}/steps",
    response={200: StepPage, REFUSED: Refused},
    operation_id="list_steps",
    summary="List a rollout's steps",
)
def list_steps(request: HttpRequest, rollout_id: int, limit: Limit = ROWS, cursor: Cursor = None) -> StepPage:
    """Every change of the rollout, in order: done, planned or left out."""
    rows = get_own_rollout(caller_of(request), rollout_id).steps.select_related("phase", "flag", "segment", "site")
    found, following = cut_page(rows, limit=limit, cursor=cursor, key="position", is_rising=True)
    return StepPage(items=[say_step(row) for row in found], next=following)


@router.get(
    f"{ROLLOUT}/approvals",
    response={200: Approvals, REFUSED: Refused},
    tags=["Approvals"],
    operation_id="list_approvals",
    summary="List a rollout's approvals",
)
def list_approvals(request: HttpRequest, rollout_id: int, limit: Limit = ROWS, cursor: Cursor = None) -> Approvals:
    """Whether the plan is approved as it is now, and who decided what, newest first."""
    rollout = get_own_rollout(caller_of(request), rollout_id)
    state = weigh_plan_approval(rollout)
    rows = Approval.objects.filter(rollout=rollout).select_related("phase", "decided_by")
    found, following = cut_page(rows, limit=limit, cursor=cursor)
    return Approvals(
        needed=state.needed,
        missing=state.missing,
        holds=state.holds,
        content_hash=state.content_hash,
        items=[_say_approval(row) for row in found],
        next=following,
    )


def _say_approval(row: Approval) -> ApprovalAnswer:
    return ApprovalAnswer(
        id=row.pk,
        phase=row.phase.kind if row.phase else None,
        decision=row.decision,
        decided_by=str(row.decided_by),
        decided_at=row.decided_at,
        comment=row.comment,
        content_hash=row.content_hash,
    )


def _say_plan(plan: Plan) -> DrawnPlan:
    steps = [
        DrawnStep(
            phase=str(phase.kind),
            day=step.day,
            due_at=step.due_at,
            flag=step.flag_key,
            audience=step.segment_key or step.audience,
            site=step.site_key or None,
            share_bp=step.share_bp,
        )
        for phase in plan.phases
        for step in phase.steps
    ]
    return DrawnPlan(steps=steps, warnings=list(plan.warnings))
