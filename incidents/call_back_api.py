"""Routes of the calls that are due, for a telephone system. Who complained is handed out to nobody."""

from datetime import datetime
from typing import Annotated

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Query, Router
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from core import clock
from core.errors import NotFound
from flags.rest import MOST_ID, REFUSED, ROWS, Answer, Caller, Cursor, Limit, Refused, Wish, caller_of, cut_page
from incidents.call_back_queries import Call, draw_call, list_phones, map_off, with_facts
from incidents.domain.calling_back import CallState
from incidents.models import CallBack
from incidents.models.call_backs import MAX_NOTE_CHARACTERS
from incidents.transitions import mark_not_needed, mark_not_reached, mark_told, undo_call

router = Router(tags=["Incidents"])
CALL = "/call-backs/{int:call_id}"
STORED: JsonDict = {
    "id": 4,
    "complaint": 2,
    "site": "lyon",
    "state": "due",
    "due_at": "2026-11-24T09:12:00Z",
    "tries": 0,
    "tried_at": None,
    "settled_at": None,
    "note": "",
    "incidents": [7],
    "rollbacks": [],
    "text_fr": "Bonjour, ici l’assistance. …",
    "text_en": "Hello, support here. …",
}


class CallAnswer(Answer):
    """A call that is due to who complained, with the words ready; they name nobody."""

    model_config = ConfigDict(json_schema_extra={"examples": [STORED]})

    id: int
    complaint: int
    site: str
    state: CallState
    due_at: datetime
    tries: int
    tried_at: datetime | None
    settled_at: datetime | None
    note: str
    incidents: list[int] = Field(description="Restored since")
    rollbacks: list[int] = Field(description="By which it was taken back")
    text_fr: str
    text_en: str


class CallPage(Answer):
    items: list[CallAnswer]
    next: int | None


class TriedWish(Wish):
    """Nobody answered. The note is for whoever tries next; it stays on record, so it names nobody."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "Back after two"}]})

    note: str = Field("", max_length=MAX_NOTE_CHARACTERS)


class NeedlessWish(Wish):
    """Why no call is needed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "They wrote that it works"}]})

    reason: str = Field(min_length=1, max_length=MAX_NOTE_CHARACTERS)


StateFilter = Annotated[CallState | None, Query(description="Only those in this state")]
SiteFilter = Annotated[str, Query(max_length=100, description="Only those of this site")]


@router.get(
    "/call-backs", response={200: CallPage, REFUSED: Refused}, operation_id="list_calls", summary="List calls back"
)
def list_all(
    request: HttpRequest,
    state: StateFilter = None,
    site: SiteFilter = "",
    limit: Limit = ROWS,
    cursor: Cursor = None,
) -> CallPage:
    """Calls due to who complained in the token's environment, newest first, settled ones with them."""
    rows = _rows(caller_of(request))
    rows = rows.filter(state=state) if state else rows
    rows = rows.filter(site__key=site) if site else rows
    found, following = cut_page(rows, limit=limit, cursor=cursor)
    return CallPage(items=_say_all(found), next=following)


@router.post(
    f"{CALL}/told", response={200: CallAnswer, REFUSED: Refused}, operation_id="tell_call", summary="They were told"
)
def tell(request: HttpRequest, call_id: int) -> CallAnswer:
    """The person was called back and told."""
    caller = caller_of(request)
    _get_own(caller, call_id)
    mark_told(call_ids=[call_id], actor=caller.actor, now=clock.now())
    return _say(caller, call_id)


@router.post(
    f"{CALL}/not-reached",
    response={200: CallAnswer, REFUSED: Refused},
    operation_id="miss_call",
    summary="Nobody answered",
)
def miss(request: HttpRequest, call_id: int, wish: TriedWish) -> CallAnswer:
    """It stays due."""
    caller = caller_of(request)
    _get_own(caller, call_id)
    mark_not_reached(call_id=call_id, actor=caller.actor, now=clock.now(), note=wish.note)
    return _say(caller, call_id)


@router.post(
    f"{CALL}/not-needed",
    response={200: CallAnswer, REFUSED: Refused},
    operation_id="spare_call",
    summary="No call is needed",
)
def spare(request: HttpRequest, call_id: int, wish: NeedlessWish) -> CallAnswer:
    """With the reason, which history keeps."""
    caller = caller_of(request)
    _get_own(caller, call_id)
    mark_not_needed(call_id=call_id, actor=caller.actor, reason=wish.reason, now=clock.now())
    return _say(caller, call_id)


@router.post(
    f"{CALL}/undo", response={200: CallAnswer, REFUSED: Refused}, operation_id="undo_call", summary="It is due again"
)
def undo(request: HttpRequest, call_id: int) -> CallAnswer:
    """Takes back that it was settled."""
    caller = caller_of(request)
    _get_own(caller, call_id)
    undo_call(call_id=call_id, actor=caller.actor, now=clock.now())
    return _say(caller, call_id)


def _rows(caller: Caller) -> QuerySet[CallBack]:
    return with_facts(CallBack.objects.filter(environment=caller.environment))


def _get_own(caller: Caller, call_id: int) -> CallBack:
    """Return a call of the token's environment; any other is not there."""
    found = _rows(caller).filter(pk=call_id).first() if call_id <= MOST_ID else None
    if found is None:
        raise NotFound("call_unknown")
    return found


def _say(caller: Caller, call_id: int) -> CallAnswer:
    return _say_all([_get_own(caller, call_id)])[0]


def _say_all(rows: list[CallBack]) -> list[CallAnswer]:
    now = clock.now()
    duty, off = list_phones(now=now), map_off(rows)
    return [_draw(draw_call(row, duty=duty, off=off, now=now, is_named=False)) for row in rows]


def _draw(call: Call) -> CallAnswer:
    row, causes = call.row, list(call.row.causes.all())
    return CallAnswer(
        id=row.pk,
        complaint=row.complaint_id,
        site=row.site.key,
        state=CallState(row.state),
        due_at=row.due_at,
        tries=row.tries,
        tried_at=row.tried_at,
        settled_at=row.settled_at,
        note=row.note,
        incidents=[one.incident_id for one in causes if one.incident_id is not None],
        rollbacks=[one.rollback_id for one in causes if one.rollback_id is not None],
        text_fr=call.french,
        text_en=call.english,
    )
