"""Routes of investigations: what somebody must look into, who does, and how it ended."""

from datetime import date, datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from core import clock
from core.errors import InvalidInput, NotFound
from core.models import User
from flags.rest import (
    MOST_ID,
    REFUSED,
    ROWS,
    Answer,
    Caller,
    Cursor,
    Limit,
    Reason,
    Refused,
    Wish,
    caller_of,
    cut_page,
)
from rollouts.domain.investigating import State
from rollouts.models import Investigation
from rollouts.transitions.investigating import dismiss_investigation, hand_over

router = Router(tags=["Investigations"])
INVESTIGATION = "/investigations/{int:investigation_id}"
EXAMPLE: JsonDict = {
    "id": 4,
    "rollout": 12,
    "code": "complaint_limit",
    "day": "2026-12-01",
    "attempt": 1,
    "status": "open",
    "opened_at": "2026-12-01T09:12:00Z",
    "deadline_at": "2026-12-01T13:12:00Z",
    "owner": "nadia",
    "taken_at": None,
    "ended_at": None,
    "conclusion": "",
    "concluded_by": "",
    "evidence": {"count": 11, "limit": 10},
}


class InvestigationAnswer(Answer):
    """Complaints, or what a guardrail saw, that somebody must look into by a deadline."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    id: int
    rollout: int
    code: str = Field(description="The rule or the guardrail that asks")
    day: date
    attempt: int
    status: State
    opened_at: datetime
    deadline_at: datetime
    owner: str | None = Field(description="A person's user name")
    taken_at: datetime | None = Field(description="Since when its owner looks into it")
    ended_at: datetime | None
    conclusion: str
    concluded_by: str
    evidence: dict[str, Any] = Field(description="What was counted when it was opened")


class InvestigationPage(Answer):
    items: list[InvestigationAnswer]
    next: int | None


class DismissWish(Wish):
    """Why nothing is wrong with the release."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "A price list was wrong, not the till"}]})

    reason: Reason


class HandOverWish(Wish):
    """Who looks into it now, and why they do."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"owner": "nadia", "reason": "On duty today"}]})

    owner: str = Field(min_length=1, max_length=150, description="The user name of somebody who handles incidents")
    reason: Reason


StateFilter = Annotated[State | None, Query(description="Only those in this state")]


@router.get(
    "/investigations",
    response={200: InvestigationPage, REFUSED: Refused},
    operation_id="list_investigations",
    summary="List investigations",
)
def list_all(
    request: HttpRequest, status: StateFilter = None, limit: Limit = ROWS, cursor: Cursor = None
) -> InvestigationPage:
    """Investigations in the token's environment, newest first."""
    rows = Investigation.objects.filter(rollout__environment=caller_of(request).environment).select_related("owner")
    found, following = cut_page(rows.filter(status=status) if status else rows, limit=limit, cursor=cursor)
    return InvestigationPage(items=[_say(row) for row in found], next=following)


@router.get(
    INVESTIGATION,
    response={200: InvestigationAnswer, REFUSED: Refused},
    operation_id="show_investigation",
    summary="Show an investigation",
)
def show(request: HttpRequest, investigation_id: int) -> InvestigationAnswer:
    """One investigation with the numbers it was opened with."""
    return _say(_get_own(caller_of(request), investigation_id))


@router.post(
    f"{INVESTIGATION}/hand-over",
    response={200: InvestigationAnswer, REFUSED: Refused},
    operation_id="hand_investigation_over",
    summary="Hand an investigation over",
)
def give(request: HttpRequest, investigation_id: int, wish: HandOverWish) -> InvestigationAnswer:
    """Make a person its owner, who has yet to take it on; the deadline stays. A program looks into nothing itself."""
    caller = caller_of(request)
    _get_own(caller, investigation_id)
    owner = User.objects.filter(username=wish.owner).first()
    if owner is None:
        raise InvalidInput("owner_unfit")
    hand_over(
        investigation_id=investigation_id,
        owner_id=owner.pk,
        actor=caller.actor,
        reason=wish.reason,
        now=clock.now(),
    )
    return _say(_get_own(caller, investigation_id))


@router.post(
    f"{INVESTIGATION}/dismiss",
    response={200: InvestigationAnswer, REFUSED: Refused},
    operation_id="dismiss_investigation",
    summary="Dismiss an investigation",
)
def dismiss(request: HttpRequest, investigation_id: int, wish: DismissWish) -> InvestigationAnswer:
    """Say why nothing is wrong. What is held stays held until it is resumed."""
    caller = caller_of(request)
    _get_own(caller, investigation_id)
    dismiss_investigation(investigation_id=investigation_id, actor=caller.actor, reason=wish.reason, now=clock.now())
    return _say(_get_own(caller, investigation_id))


def _get_own(caller: Caller, investigation_id: int) -> Investigation:
    """Return an investigation of the token's environment; any other is not there."""
    rows = Investigation.objects.select_related("owner").filter(rollout__environment=caller.environment)
    found = rows.filter(pk=investigation_id).first() if investigation_id <= MOST_ID else None
    if found is None:
        raise NotFound("investigation_unknown")
    return found


def _say(row: Investigation) -> InvestigationAnswer:
    return InvestigationAnswer(
        id=row.pk,
        rollout=row.rollout_id,
        code=row.code,
        day=row.day,
        attempt=row.attempt,
        status=State(row.status),
        opened_at=row.opened_at,
        deadline_at=row.deadline_at,
        owner=row.owner.username if row.owner else None,
        taken_at=row.taken_at,
        ended_at=row.ended_at,
        conclusion=row.conclusion,
        concluded_by=row.concluded_by,
        evidence=row.evidence,
    )
