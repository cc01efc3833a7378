"""What the routes of the REST API share: who calls, how they are refused, pages of rows.

They stand in Django, behind the lean routes: they read and write the database and change nothing that is
asked a thousand times a second. A session counts for nothing here, so no page of another site can write.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from django.db import InterfaceError, OperationalError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI, Query
from ninja.errors import HttpError, ValidationError
from ninja.parser import Parser
from ninja.security import HttpBearer
from pydantic import BaseModel, ConfigDict, Field

from core import clock
from core.actors import Actor, token
from core.errors import InvalidInput, Refusal
from core.history import MAX_REASON_CHARACTERS
from core.programs import answer_refusal, refuse
from flags.domain.purposes import Purpose
from flags.domain.tokens import hash_token
from flags.lean import RETRY_SECONDS, LeanRefusal, check_purpose, parse_json, read_token, refuse_unknown
from flags.models import ApiToken, Environment
from flags.tokens import USES

log = logging.getLogger(__name__)

PURPOSES = frozenset({Purpose.MANAGE})
ROWS, MOST_ROWS = 50, 200
MOST_ID = 2**63 - 1
#: What any route may answer instead; documented once.
REFUSED = frozenset({400, 401, 403, 404, 409, 413})
MOST_PROBLEMS = 20

M = TypeVar("M", bound=Model)


class Answer(BaseModel):
    """What the API says."""

    model_config = ConfigDict(frozen=True)


class Wish(BaseModel):
    """What is asked of the API: a field that nobody knows is a slip, not a wish."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Problem(Answer):
    field: str
    problem: str


class Refused(Answer):
    """Why not: a stable code, and words for the developer who reads them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"errorCode": "changed_meanwhile", "errorDetails": "Somebody else changed this meanwhile. …"},
                {
                    "errorCode": "PARSE_ERROR",
                    "errorDetails": "reason: Field required",
                    "fields": [{"field": "reason", "problem": "Field required"}],
                },
            ]
        }
    )

    errorCode: str  # noqa: N815  # contracts §3
    errorDetails: str  # noqa: N815  # contracts §3
    fields: list[Problem] | None = None
    gaps: list[str] | None = Field(None, description="Everything that is missing, as codes")


Reason = Annotated[
    str,
    Field(
        min_length=1, max_length=MAX_REASON_CHARACTERS, description="Why; history keeps it", examples=["Lunch is over"]
    ),
]
Epoch = Annotated[
    int | None,
    Field(ge=1, le=MOST_ID, description="The epoch you saw; refused with `changed_meanwhile` where it is another now"),
]
Limit = Annotated[int, Query(ge=1, le=MOST_ROWS, description="At most so many")]
Cursor = Annotated[int | None, Query(ge=0, le=MOST_ID, description="`next` of the page before")]


@dataclass(frozen=True)
class Caller:
    """Whose token this is; it touches its own environment only."""

    token_id: int
    name: str
    environment: Environment

    @property
    def actor(self) -> Actor:
        return token(self.name)


class ManageToken(HttpBearer):
    """A manage token, as `Authorization: Bearer TOKEN` or `X-API-Key: TOKEN`."""

    openapi_description = "A manage token; `X-API-Key: TOKEN` says the same."

    def __call__(self, request: HttpRequest) -> Caller:
        found = find_caller(request)
        if found is None:
            raise refuse_unknown()
        return found

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:  # the library's signature
        return find_caller(request)


def find_caller(request: HttpRequest) -> Caller | None:
    """Return whose manage token a request brings, None without a valid one; refuse one for another purpose.

    Asks the database, so that a token is refused from the moment it is revoked.
    """
    raw = _read_token(request)
    rows = ApiToken.objects.select_related("environment").filter(revoked_at=None)
    row = rows.filter(token_hash=hash_token(raw)).first() if raw else None
    if row is None:
        return None
    check_purpose(row.purpose, purposes=PURPOSES)
    USES.note(row.pk, now=clock.now())
    return Caller(row.pk, row.name, row.environment)


def is_with_token(request: HttpRequest) -> bool:
    """Tell whether a request brings a token, valid or not."""
    return bool(_read_token(request))


def _read_token(request: HttpRequest) -> str:
    return read_token(request.headers.get("Authorization", ""), request.headers.get("X-API-Key", ""))


def caller_of(request: HttpRequest) -> Caller:
    """Return whose token a request to a guarded route brought."""
    found = getattr(request, "auth", None)
    if not isinstance(found, Caller):
        raise refuse_unknown()
    return found


def cut_page(
    rows: QuerySet[M], *, limit: int, cursor: int | None, key: str = "pk", is_rising: bool = False
) -> tuple[list[M], int | None]:
    """Return a page of rows by a unique number, and the cursor of the next page, None on the last: one query."""
    if cursor is not None:
        rows = rows.filter(**{f"{key}__{'gt' if is_rising else 'lt'}": cursor})
    found = list(rows.order_by(key if is_rising else f"-{key}")[: limit + 1])
    page = found[:limit]
    return page, getattr(page[-1], key) if len(found) > limit else None


class StrictParser(Parser):
    """Reads bodies as the lean routes do, and refuses text that PostgreSQL cannot store."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        body: Any = parse_json(request.body)
        if any(_is_unreadable(text) for text in _list_texts(body)):
            raise InvalidInput("input_unreadable")
        return body  # type: ignore[no-any-return]  # what is no object is refused by its schema


def _list_texts(body: Any) -> Iterator[str]:
    waiting = [body]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            waiting += one


def _is_unreadable(text: str) -> bool:
    return "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text)


def answer_lean(_request: HttpRequest, refusal: LeanRefusal) -> HttpResponse:
    """Return a refusal of the lean routes as Django answers it."""
    return refuse(status=refusal.status, code=refusal.code, details=refusal.details, headers=refusal.headers)


def _answer_wrong_values(_request: HttpRequest, fault: ValidationError) -> HttpResponse:
    problems = [_read_problem(error) for error in fault.errors[:MOST_PROBLEMS]]
    details = "; ".join(f"{one['field']}: {one['problem']}" if one["field"] else one["problem"] for one in problems)
    return refuse(status=400, code="PARSE_ERROR", details=details, fields=problems)


def _read_problem(error: dict[str, Any]) -> dict[str, str]:
    """Return where a value is wrong and how: the path below the body or the query, and the library's words."""
    where, *path = [str(part) for part in error.get("loc", ())] or [""]
    return {"field": ".".join(path[1:] if where == "body" else path), "problem": str(error.get("msg", "wrong"))}


def _answer_unparsed(request: HttpRequest, fault: HttpError) -> HttpResponse:
    """Answer a body that could not be read: the library wraps what our parser said."""
    cause = fault.__cause__
    if isinstance(cause, LeanRefusal):
        return answer_lean(request, cause)
    if isinstance(cause, Refusal):
        return answer_refusal(cause)
    return refuse(status=fault.status_code)


def _answer_no_database(request: HttpRequest, fault: Exception) -> HttpResponse:
    log.warning("no database for %s: %s", request.path_info, fault)
    return refuse(status=503, headers={"Retry-After": str(RETRY_SECONDS)})


def _answer_fault(request: HttpRequest, fault: Exception) -> HttpResponse:
    log.error("fault at %s", request.path_info, exc_info=fault)
    return refuse(status=500)


HANDLERS: Mapping[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
    Refusal: lambda _request, refusal: answer_refusal(refusal),
    LeanRefusal: answer_lean,
    ValidationError: _answer_wrong_values,
    HttpError: _answer_unparsed,
    Http404: lambda _request, _fault: refuse(status=404),
    OperationalError: _answer_no_database,
    InterfaceError: _answer_no_database,
    Exception: _answer_fault,
}


def install_refusals(api: NinjaAPI) -> None:
    """Let every fault below the API's routes be told in one shape, without a word of the inside."""
    for kind, handler in HANDLERS.items():
        api.add_exception_handler(kind, handler)
