"""Routes of complaints. Who complained is taken and never handed out: the person is nobody's to look up."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Query, Router, Status
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from core import clock
from core.errors import InvalidInput, NotFound
from flags.models import Flag, Site
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
from health.domain.complaints import MAX_REPORTER_CHARACTERS, MAX_TEXT_CHARACTERS
from health.models import Complaint, ComplaintSeverity, ComplaintStatus
from health.transitions import log_complaint, mark_duplicate, mark_spam

router = Router(tags=["Complaints"])
#: Before a program's name for a wish: a line of a file has another one.
FROM_API = "api:"
EXAMPLE: JsonDict = {
    "site": "lyon",
    "flag": "price_buttons",
    "text": "The price of books is wrong",
    "severity": "annoying",
}
STORED: JsonDict = {**EXAMPLE, "id": 3, "status": "new", "duplicate_of": None, "logged_at": "2026-11-24T09:12:00Z"}


class ComplaintWish(Wish):
    """What somebody at a till complains of. Logging it is its own reason."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE | {"reporter": "Ana"}]})

    site: str = Field(min_length=1, max_length=100)
    text: str = Field(min_length=1, max_length=MAX_TEXT_CHARACTERS)
    severity: ComplaintSeverity
    flag: str | None = Field(None, min_length=1, max_length=100, description="The feature that is suspected, if any")
    reporter: str = Field("", max_length=MAX_REPORTER_CHARACTERS)
    request_id: str = Field(
        "", max_length=100, description="Your own name for this wish: asked again, it is logged once"
    )


class ComplaintAnswer(Answer):
    """A complaint; its words are null once they are forgotten."""

    model_config = ConfigDict(json_schema_extra={"examples": [STORED]})

    id: int
    site: str
    flag: str | None
    text: str | None
    severity: str
    status: str
    duplicate_of: int | None
    logged_at: datetime


class ComplaintPage(Answer):
    items: list[ComplaintAnswer]
    next: int | None


StatusFilter = Annotated[ComplaintStatus | None, Query(description="Only those with this status")]


@router.get(
    "/complaints",
    response={200: ComplaintPage, REFUSED: Refused},
    operation_id="list_complaints",
    summary="List complaints",
)
def list_complaints(
    request: HttpRequest, status: StatusFilter = None, limit: Limit = ROWS, cursor: Cursor = None
) -> ComplaintPage:
    """Complaints of the token's environment, newest first."""
    rows = Complaint.objects.filter(environment=caller_of(request).environment)
    rows = rows.select_related("site", "flag", "words")
    found, following = cut_page(rows.filter(status=status) if status else rows, limit=limit, cursor=cursor)
    return ComplaintPage(items=[_say(row) for row in found], next=following)


@router.post(
    "/complaints",
    response={201: ComplaintAnswer, REFUSED: Refused},
    operation_id="log_complaint",
    summary="Log a complaint",
)
def log(request: HttpRequest, wish: ComplaintWish) -> Status[ComplaintAnswer]:
    """Counts like one that a person logs."""
    caller = caller_of(request)
    complaint = log_complaint(
        environment_id=caller.environment.pk,
        site_id=_get_site(wish.site).pk,
        flag_id=None if wish.flag is None else _get_flag(wish.flag).pk,
        text=wish.text,
        severity=wish.severity,
        reporter=wish.reporter,
        request_id=f"{FROM_API}{wish.request_id}" if wish.request_id else "",
        actor=caller.actor,
        now=clock.now(),
    )
    return Status(201, _say(Complaint.objects.select_related("site", "flag", "words").get(pk=complaint.pk)))


class MarkWish(Wish):
    """Why a complaint is none."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "Advertising"}]})

    reason: Reason


class DuplicateWish(Wish):
    """Which other complaint it repeats, and how that is known."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"original": 2, "reason": "The same call"}]})

    original: int = Field(ge=1, le=MOST_ID, description="The number of the complaint that it repeats")
    reason: Reason


@router.post(
    "/complaints/{int:complaint_id}/spam",
    response={200: ComplaintAnswer, REFUSED: Refused},
    operation_id="mark_spam",
    summary="Mark as no complaint",
)
def spam(request: HttpRequest, complaint_id: int, wish: MarkWish) -> ComplaintAnswer:
    """It no longer counts, and stays. What a guardrail did meanwhile stays, too."""
    caller = caller_of(request)
    _get_own(caller, complaint_id)
    mark_spam(complaint_id=complaint_id, actor=caller.actor, reason=wish.reason, now=clock.now())
    return _say(_get_own(caller, complaint_id))


@router.post(
    "/complaints/{int:complaint_id}/duplicate",
    response={200: ComplaintAnswer, REFUSED: Refused},
    operation_id="mark_duplicate",
    summary="Mark as a duplicate",
)
def duplicate(request: HttpRequest, complaint_id: int, wish: DuplicateWish) -> ComplaintAnswer:
    """It is linked to the other, and no longer counts."""
    caller = caller_of(request)
    _get_own(caller, complaint_id)
    mark_duplicate(
        complaint_id=complaint_id,
        original_id=wish.original,
        actor=caller.actor,
        reason=wish.reason,
        now=clock.now(),
    )
    return _say(_get_own(caller, complaint_id))


def _get_own(caller: Caller, complaint_id: int) -> Complaint:
    """Return a complaint of the token's environment; any other is not there."""
    rows = Complaint.objects.select_related("site", "flag", "words").filter(environment=caller.environment)
    found = rows.filter(pk=complaint_id).first() if complaint_id <= MOST_ID else None
    if found is None:
        raise NotFound("complaint_unknown")
    return found


def _get_site(key: str) -> Site:
    site = Site.objects.filter(key=key).first()
    if site is None:
        raise InvalidInput("site_unknown", site=key)
    return site


def _get_flag(key: str) -> Flag:
    flag = Flag.objects.filter(key=key).first()
    if flag is None:
        raise InvalidInput("flag_unknown", flag=key)
    return flag


def _say(row: Complaint) -> ComplaintAnswer:
    words = getattr(row, "words", None)
    return ComplaintAnswer(
        id=row.pk,
        site=row.site.key,
        flag=row.flag.key if row.flag else None,
        text=words.text if words else None,
        severity=row.severity,
        status=row.status,
        duplicate_of=row.duplicate_of_id,
        logged_at=row.logged_at,
    )
