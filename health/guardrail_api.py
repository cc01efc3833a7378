"""Routes of guardrails: how an environment and single flags have them, and what they decided."""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import ConfigDict, Field

from flags.rest import REFUSED, ROWS, Answer, Cursor, Limit, Refused, caller_of, cut_page
from health.domain.guardrail import LIMITS, Unit
from health.guardrail_queries import filter_decisions, list_overrides, list_settings
from health.models import Decision, Guardrail

router = Router(tags=["Guardrails"])
ONE: dict[str, Any] = {
    "lane": "error_rate",
    "flag": None,
    "mode": "roll_back",
    "unit": "share",
    "limit": 500,
    "scope": "flag",
    "cool_down_minutes": 15,
    "is_set": False,
}


class GuardrailAnswer(Answer):
    """What a lane does, for every flag or for one."""

    model_config = ConfigDict(json_schema_extra={"examples": [ONE]})

    lane: str
    flag: str | None = Field(description="None: for every flag without a guardrail of its own")
    mode: str
    unit: Unit = Field(description="What the limit counts: a `share` in basis points, so many `a_day`, or `none`")
    limit: int | None
    scope: str = Field(description="What goes off in mode `roll_back`")
    cool_down_minutes: int
    is_set: bool = Field(description="Somebody has set it; else it is as it comes")


class Guardrails(Answer):
    items: list[GuardrailAnswer]


class DecisionAnswer(Answer):
    """What a lane did, or would have done, and on which numbers."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    at: datetime
    subject: str = Field(description="What it was about, such as `rollout:12`")
    epoch: int
    lane: str
    mode: str
    act: str
    verdict: str
    code: str
    flag_key: str
    site_key: str
    n: int
    k: int
    window_start: datetime
    window_end: datetime
    threshold: str
    bound_bp: int | None
    baseline_bp: int | None
    data: dict[str, Any]


class DecisionPage(Answer):
    items: list[DecisionAnswer]
    next: int | None


def find_limit(one: Guardrail) -> int | None:
    """Return a guardrail's limit in its lane's unit, None where it has none."""
    unit = LIMITS[one.lane].unit
    return {Unit.SHARE: one.threshold_bp, Unit.A_DAY: one.most_a_day, Unit.NONE: None}[unit]


@router.get(
    "/guardrails",
    response={200: Guardrails, REFUSED: Refused},
    operation_id="list_guardrails",
    summary="List guardrails",
)
def list_all(request: HttpRequest) -> Guardrails:
    """How each lane is set in the token's environment, then the flags that have a guardrail of their own."""
    key = caller_of(request).environment.key
    return Guardrails(items=[_say(one) for one in (*list_settings(environment_key=key), *list_overrides(key))])


Key = Annotated[str, Query(max_length=100, description="Only those of this one")]


@router.get(
    "/guardrail-decisions",
    response={200: DecisionPage, REFUSED: Refused},
    operation_id="list_guardrail_decisions",
    summary="List what guardrails decided",
)
def list_decided(
    request: HttpRequest, flag: Key = "", lane: Key = "", limit: Limit = ROWS, cursor: Cursor = None
) -> DecisionPage:
    """Decisions in the token's environment, newest first; lane `query` is every query of one's own."""
    key = caller_of(request).environment.key
    rows = filter_decisions(environment_key=key, flag_key=flag, lane=lane)
    found, following = cut_page(rows, limit=limit, cursor=cursor)
    return DecisionPage(items=[_say_decision(row) for row in found], next=following)


def _say_decision(row: Decision) -> DecisionAnswer:
    return DecisionAnswer.model_validate(row)


def _say(one: Guardrail) -> GuardrailAnswer:
    return GuardrailAnswer(
        lane=one.lane,
        flag=one.flag.key if one.flag else None,
        mode=one.mode,
        unit=LIMITS[one.lane].unit,
        limit=find_limit(one),
        scope=one.scope,
        cool_down_minutes=one.cool_down_minutes,
        is_set=one.pk is not None,
    )
